/* SPDX-License-Identifier: Apache-2.0 */

/* Adds blobs to a repository. */

#include <string.h>

#include "apr_strings.h"

#include "registry/blob_add.h"
#include "registry/keys.h"
#include "registry/repository.h"

/* Add the changes that record a blob and add it to a repository. */
static void add_blob(apr_array_header_t *changes,
                     const oci_repository_t *repository, const oci_blob_t *blob,
                     oci_change_e kind, apr_pool_t *pool)
{
    const char *name = repository->name;
    const char *record = apr_psprintf(pool, "%" APR_OFF_T_FMT ";%s", blob->size,
                                      blob->locator);

    oci_change_put(changes, kind, oci_key_blob(pool, blob->digest), record,
                   strlen(record));
    oci_change_put(changes, OCI_CHANGE_PUT,
                   oci_key_holder(pool, blob->digest, name), name,
                   strlen(name));
    oci_repository_register(changes, name, pool);
    oci_repository_queue_review(changes, name, pool);
    oci_change_put(changes, OCI_CHANGE_PUT,
                   oci_key_held(pool, name, blob->digest), NULL, 0);
}

static oci_error_t *apply_locked(const oci_repository_t *repository,
                                 const apr_array_header_t *changes,
                                 apr_pool_t *pool)
{
    const oci_registry_t *registry = repository->registry;
    oci_lock_t *lock;
    oci_error_t *error = oci_repository_lock(&lock, repository, OCI_LOCK_SHARED,
                                             pool);

    if (error) {
        return error;
    }
    error = oci_facts_apply(registry, changes, registry->durable, pool);
    oci_repository_unlock(repository, lock);
    return error;
}

oci_error_t *oci_blob_add(const oci_repository_t *repository,
                          const oci_blob_t *blob, apr_pool_t *pool)
{
    apr_array_header_t *changes = oci_change_list_make(pool);

    add_blob(changes, repository, blob, OCI_CHANGE_PUT, pool);
    return apply_locked(repository, changes, pool);
}

/* Find out whether a blob is recorded with bytes that are stored.  The caller
 * holds the lock on the blob.
 * recorded: filled in; its locator is NULL if the blob has no record */
static oci_error_t *find_good(int *good, oci_blob_t *recorded,
                              const oci_registry_t *registry,
                              const oci_blob_t *blob, apr_pool_t *pool)
{
    oci_blob_store_t *store = registry->blobs;
    oci_error_t *error = oci_blob_record(recorded, registry, blob->digest,
                                         pool);
    apr_off_t size = -1;
    apr_status_t rv;

    *good = 0;
    if (error) {
        recorded->locator = NULL;
        return error->code == OCI_E_BLOB_UNKNOWN ? NULL : error;
    }
    if (!strcmp(recorded->locator, blob->locator)) {
        return NULL;
    }
    rv = store->provider->blob_size(&size, store, recorded->locator, pool);
    *good = rv == APR_SUCCESS && size == blob->size;
    return rv == APR_SUCCESS || rv == APR_NOTFOUND
        ? NULL
        : oci_error_storage(pool, rv, "cannot look for %s/%s", store->where,
                            recorded->locator);
}

/* Enter a blob whose bytes nobody else knows.  The caller holds the lock. */
static oci_error_t *enter_locked(int *spare, const oci_repository_t *repository,
                                 const oci_blob_t *blob, apr_pool_t *pool)
{
    apr_array_header_t *changes = oci_change_list_make(pool);
    oci_blob_t recorded;
    oci_error_t *error = find_good(spare, &recorded, repository->registry, blob,
                                   pool);

    if (error) {
        return error;
    }
    add_blob(changes, repository, *spare ? &recorded : blob,
             recorded.locator ? OCI_CHANGE_PUT : OCI_CHANGE_ADD, pool);
    return apply_locked(repository, changes, pool);
}

oci_error_t *oci_blob_enter(int *spare, const oci_repository_t *repository,
                            const oci_blob_t *blob, apr_pool_t *pool)
{
    const oci_registry_t *registry = repository->registry;
    oci_lock_t *lock;
    oci_error_t *error = oci_blob_lock(&lock, registry, blob->digest,
                                       OCI_LOCK_SHARED, pool);

    if (error) {
        return error;
    }
    error = enter_locked(spare, repository, blob, pool);
    if (error && APR_STATUS_IS_EEXIST(error->status)) {
        /* Another request was faster. */
        error = enter_locked(spare, repository, blob, pool);
    }
    oci_registry_unlock(registry, lock);
    return error;
}

oci_error_t *oci_blob_add_all(const oci_repository_t *repository,
                              const apr_array_header_t *blobs, apr_pool_t *pool)
{
    apr_array_header_t *changes = oci_change_list_make(pool);
    int i;

    for (i = 0; i < blobs->nelts; i++) {
        add_blob(changes, repository, &APR_ARRAY_IDX(blobs, i, oci_blob_t),
                 OCI_CHANGE_PUT, pool);
    }
    return apply_locked(repository, changes, pool);
}
