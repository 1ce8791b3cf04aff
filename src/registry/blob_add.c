/* SPDX-License-Identifier: Apache-2.0 */

/* Adds blobs to a repository. */

#include <string.h>

#include "apr_strings.h"

#include "registry/blob_add.h"
#include "registry/keys.h"
#include "registry/repository.h"

/* How often to begin again when other requests enter the same blob. */
#define ENTER_TRIES 5

/* Add the changes that record a blob.
 * kind: PUT, or ADD if no record may be there */
static void add_record(apr_array_header_t *changes, const oci_blob_t *blob,
                       oci_change_e kind, apr_pool_t *pool)
{
    const char *record = oci_blob_format(blob->size, blob->locator, pool);

    oci_change_put(changes, kind, oci_key_blob(pool, blob->digest), record,
                   strlen(record));
}

/* Add the changes that add a blob with a record to a repository. */
static void add_holder(apr_array_header_t *changes,
                       const oci_repository_t *repository, const char *digest,
                       apr_pool_t *pool)
{
    const char *name = repository->name;

    oci_change_put(changes, OCI_CHANGE_PUT, oci_key_holder(pool, digest, name),
                   name, strlen(name));
    oci_repository_register(changes, name, pool);
    oci_repository_queue_review(changes, name, pool);
    oci_change_put(changes, OCI_CHANGE_PUT, oci_key_held(pool, name, digest),
                   NULL, 0);
}

static void add_blob(apr_array_header_t *changes,
                     const oci_repository_t *repository, const oci_blob_t *blob,
                     apr_pool_t *pool)
{
    add_record(changes, blob, OCI_CHANGE_PUT, pool);
    add_holder(changes, repository, blob->digest, pool);
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

    add_blob(changes, repository, blob, pool);
    return apply_locked(repository, changes, pool);
}

/* Read the record of a blob.
 * recorded: filled in; its locator is NULL if the blob has none */
static oci_error_t *find_record(oci_blob_t *recorded,
                                const oci_registry_t *registry,
                                const oci_blob_t *blob, apr_pool_t *pool)
{
    oci_error_t *error = oci_blob_record(recorded, registry, blob->digest,
                                         pool);

    if (error && error->code == OCI_E_BLOB_UNKNOWN) {
        recorded->locator = NULL;
        return NULL;
    }
    return error;
}

/* Find out whether a blob is recorded with other bytes that are stored. */
static oci_error_t *find_good(int *good, oci_blob_t *recorded,
                              const oci_registry_t *registry,
                              const oci_blob_t *blob, apr_pool_t *pool)
{
    oci_blob_store_t *store = registry->blobs;
    oci_error_t *error = find_record(recorded, registry, blob, pool);
    apr_off_t size = -1;
    apr_status_t rv;

    *good = 0;
    if (error || !recorded->locator
        || !strcmp(recorded->locator, blob->locator)) {
        return error;
    }
    rv = store->provider->blob_size(&size, store, recorded->locator, pool);
    *good = rv == APR_SUCCESS && size == blob->size;
    return rv == APR_SUCCESS || rv == APR_NOTFOUND
        ? NULL
        : oci_error_storage(pool, rv, "cannot look for %s/%s", store->where,
                            recorded->locator);
}

/* Enter a blob, if its record is still as it was seen.  The caller holds the
 * lock on the blob, to keep a record an exclusive one: another push may find
 * that the bytes of this record are lost, and must not have its own replaced.
 * changed: set to whether it is not */
static oci_error_t *enter_locked(int *changed,
                                 const oci_repository_t *repository,
                                 const oci_blob_t *blob, const oci_blob_t *seen,
                                 int keep, apr_pool_t *pool)
{
    apr_array_header_t *changes = oci_change_list_make(pool);
    oci_blob_t recorded;
    oci_error_t *error = find_record(&recorded, repository->registry, blob,
                                     pool);

    *changed = !error
        && (!recorded.locator != !seen->locator
            || (seen->locator && strcmp(recorded.locator, seen->locator)));
    if (error || *changed) {
        return error;
    }
    /* A record that is kept is put again, too: the process that has put it may
     * not have made it durable yet. */
    add_record(changes, keep ? &recorded : blob,
               seen->locator ? OCI_CHANGE_PUT : OCI_CHANGE_ADD, pool);
    add_holder(changes, repository, blob->digest, pool);
    error = apply_locked(repository, changes, pool);
    *changed = error && APR_STATUS_IS_EEXIST(error->status);
    return *changed ? NULL : error;
}

/* The store is asked without a lock: that may take long. */
oci_error_t *oci_blob_enter(int *spare, const oci_repository_t *repository,
                            const oci_blob_t *blob, apr_pool_t *pool)
{
    const oci_registry_t *registry = repository->registry;
    oci_blob_t seen;
    oci_lock_t *lock;
    oci_error_t *error;
    int changed = 1, tries;

    for (tries = 0; changed && tries < ENTER_TRIES; tries++) {
        error = find_good(spare, &seen, registry, blob, pool);
        if (error
            || (error = oci_blob_lock(&lock, registry, blob->digest,
                                      *spare ? OCI_LOCK_EXCLUSIVE
                                             : OCI_LOCK_SHARED,
                                      pool))) {
            return error;
        }
        error = enter_locked(&changed, repository, blob, &seen, *spare, pool);
        oci_registry_unlock(registry, lock);
        if (error) {
            return error;
        }
    }
    return changed
        ? oci_error_storage(pool, APR_TIMEUP,
                            "cannot add the blob %s: its record keeps changing",
                            blob->digest)
        : NULL;
}

oci_error_t *oci_blob_add_all(const oci_repository_t *repository,
                              const apr_array_header_t *blobs, apr_pool_t *pool)
{
    apr_array_header_t *changes = oci_change_list_make(pool);
    int i;

    for (i = 0; i < blobs->nelts; i++) {
        add_blob(changes, repository, &APR_ARRAY_IDX(blobs, i, oci_blob_t),
                 pool);
    }
    return apply_locked(repository, changes, pool);
}
