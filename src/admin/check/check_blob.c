/* SPDX-License-Identifier: Apache-2.0 */

/* Looks at the bytes and the record of one blob. */

#include <string.h>

#include "apr_strings.h"

#include "admin/check/check_content.h"
#include "admin/check/check_items.h"
#include "admin/check/check_remote.h"
#include "registry/keys.h"
#include "registry/pending.h"
#include "registry/repository.h"

#define HOLDERS 50 /* names in a finding, at most */

/* List repositories that hold a blob, and no others.
 * limit: of names to look at, or 0 */
static oci_error_t *list_holders(apr_array_header_t **holders,
                                 const oci_registry_t *registry,
                                 const char *digest, int limit,
                                 apr_pool_t *pool)
{
    apr_array_header_t *names;
    oci_error_t *error = oci_blob_holders(&names, registry, digest, limit,
                                          pool);
    int i;

    *holders = apr_array_make(pool, 4, sizeof(const char *));
    for (i = 0; !error && i < names->nelts; i++) {
        const char *name = APR_ARRAY_IDX(names, i, const char *);
        int held;

        error = oci_fact_exists(&held, registry,
                                oci_key_held(pool, name, digest), pool);
        if (held) {
            APR_ARRAY_PUSH(*holders, const char *) = name;
        }
    }
    return error;
}

/* Find out whether bytes have the digest of the item.  They are read before the
 * locks are taken. */
static oci_error_t *has_digest(int *right, oci_check_t *check, oci_item_t *item,
                               const char *locator, apr_pool_t *pool)
{
    oci_blob_store_t *store = check->registry->blobs;
    apr_status_t rv;

    if (check->look == OCI_LOOK_AGAIN) {
        rv = oci_check_hash(&item->hashed, store, item->what, locator, pool);
        if (rv != APR_SUCCESS && rv != APR_NOTFOUND && rv != APR_ENOTIMPL) {
            return oci_error_storage(pool, rv, "cannot read %s/%s",
                                     store->where, locator);
        }
    }
    *right = check->look == OCI_LOOK_LOCKED && item->hashed.right
        && oci_check_is_same_file(&item->hashed, store, locator, pool);
    if (*right) {
        oci_digest_set_add(check->restorable, item->what);
    }
    return NULL;
}

/* Whether bytes were read, have another digest, and are still the same. */
static int is_wrong(const oci_check_t *check, const oci_item_t *item,
                    const char *locator, apr_pool_t *pool)
{
    return item->hashed.known && !item->hashed.right
        && oci_check_is_same_file(&item->hashed, check->registry->blobs,
                                  locator, pool);
}

/* Whether the store lists bytes that it says are not there: they cannot be
 * read. */
static oci_error_t *is_listed(int *listed, const oci_registry_t *registry,
                              const char *locator, apr_pool_t *pool)
{
    oci_stored_t stored = { 0 };
    oci_error_t *error = registry->blobs->provider->list
        ? oci_blob_find_stored(&stored, registry, locator, pool)
        : NULL;

    *listed = stored.name != NULL;
    return error;
}

/* Make the change that sets a blob's record. */
static apr_array_header_t *set_record(const char *digest, apr_off_t size,
                                      const char *locator, apr_pool_t *pool)
{
    apr_array_header_t *changes = oci_change_list_make(pool);
    const char *record = oci_blob_format(size, locator, pool);

    oci_change_put(changes, OCI_CHANGE_PUT, oci_key_blob(pool, digest), record,
                   strlen(record));
    return changes;
}

/* Look for the right bytes of a blob that is held and has no record. */
static oci_error_t *restore_record(oci_finding_t *finding, oci_check_t *check,
                                   oci_item_t *item, apr_off_t size,
                                   apr_pool_t *pool)
{
    int right;
    oci_error_t *error = has_digest(&right, check, item, item->of, pool);

    if (!error && right) {
        finding->changes = set_record(item->what, size, item->of, pool);
    }
    else if (error
             || (check->look == OCI_LOOK_LOCKED
                 && !is_wrong(check, item, item->of, pool))) {
        oci_digest_set_add(check->unsure, item->what);
    }
    return error;
}

oci_error_t *oci_look_at_stored(oci_check_t *check, oci_item_t *item,
                                apr_pool_t *pool)
{
    const oci_registry_t *registry = check->registry;
    oci_blob_store_t *store = registry->blobs;
    oci_finding_t *finding;
    apr_array_header_t *holders;
    apr_off_t size = 0;
    apr_status_t rv;
    int recorded, unreadable = 0;
    oci_error_t *error = oci_fact_exists(&recorded, registry,
                                         oci_key_blob(pool, item->what), pool);

    if (error || recorded) {
        return error;
    }
    rv = store->provider->blob_size(&size, store, item->of, pool);
    if (rv == APR_NOTFOUND) {
        error = is_listed(&unreadable, check->registry, item->of, pool);
    }
    if (error || (rv != APR_SUCCESS && !unreadable)) {
        return error;
    }
    error = list_holders(&holders, registry, item->what, HOLDERS, pool);
    if (error) {
        return error;
    }
    finding = oci_check_found(check, item,
                              !holders->nelts  ? OCI_FAULT_BYTES_UNRECORDED
                                  : unreadable ? OCI_FAULT_BYTES_UNREADABLE
                                               : OCI_FAULT_RECORD_MISSING,
                              pool);
    finding->digest = item->what;
    finding->holders = holders;
    finding->detail = apr_psprintf(pool, "the bytes at %s/%s have no record%s",
                                   store->where, item->of,
                                   holders->nelts ? ", but the blob is held"
                                                  : "");
    return holders->nelts ? restore_record(finding, check, item, size, pool)
                          : NULL;
}

/* Take a blob out of a repository. */
static oci_error_t *take_out(const oci_repository_t *repository,
                             const char *digest, apr_pool_t *pool)
{
    apr_array_header_t *changes = oci_change_list_make(pool);
    oci_lock_t *lock;
    oci_error_t *error = oci_repository_lock(&lock, repository,
                                             OCI_LOCK_EXCLUSIVE, pool);

    if (error) {
        return error;
    }
    error = oci_pending_cancel(changes, repository, pool);
    if (!error) {
        oci_blob_add_removal(changes, repository, digest);
        error = oci_facts_remove(repository->registry, changes, pool);
    }
    if (!error) {
        error = oci_repository_unregister_if_empty(repository, pool);
    }
    oci_repository_unlock(repository, lock);
    return error;
}

/* Delete wrong bytes of a blob, which has no record now.  Bytes that are there
 * and cannot be read may be right: they stay. */
static oci_error_t *delete_rest(oci_check_t *check, const char *digest,
                                const char *locator, apr_pool_t *pool)
{
    oci_blob_store_t *store = check->registry->blobs;
    oci_blob_t blob = { .digest = digest, .locator = locator };
    apr_off_t size;
    apr_status_t rv = store->provider->blob_size(&size, store, locator, pool);

    if (rv == APR_SUCCESS) {
        rv = oci_blob_delete_bytes(check->registry, &blob, pool);
    }
    return rv == APR_SUCCESS || rv == APR_NOTFOUND
        ? NULL
        : oci_error_storage(pool, rv, "cannot delete %s/%s", store->where,
                            locator);
}

/* Forget a blob whose bytes are lost or wrong: take it out of all repositories,
 * and delete its record, and the wrong bytes. */
static oci_error_t *forget(oci_check_t *check, const oci_item_t *item,
                           const oci_finding_t *finding, apr_pool_t *pool)
{
    const oci_registry_t *registry = check->registry;
    apr_array_header_t *changes = oci_change_list_make(pool);
    apr_array_header_t *names;
    oci_blob_t blob;
    int i, recorded;
    oci_error_t *error = oci_blob_holders(&names, registry, item->what, 0,
                                          pool);

    for (i = 0; !error && i < names->nelts; i++) {
        oci_repository_t repository = { registry,
                                        APR_ARRAY_IDX(names, i, const char *) };

        error = take_out(&repository, item->what, pool);
    }
    if (error) {
        return error;
    }
    recorded = !oci_blob_record(&blob, registry, item->what, pool);
    oci_change_delete(changes, oci_key_blob(pool, item->what));
    oci_change_delete(changes, oci_key_orphan(pool, item->what));
    error = oci_facts_apply(registry, changes, registry->durable, pool);
    if (!error && recorded && finding->fault == OCI_FAULT_BYTES_WRONG) {
        error = delete_rest(check, item->what, blob.locator, pool);
    }
    if (!error && item->of) {
        error = delete_rest(check, item->what, item->of, pool);
    }
    return error;
}

/* What is wrong with a blob's record or its bytes. */
typedef struct fault_t {
    oci_fault_e fault;
    const char *detail; /* NULL: nothing is wrong */
} fault_t;

/* Say that the store does not find bytes.  Only the last look, which is
 * reported, asks whether they are there nevertheless. */
static oci_error_t *set_lost(fault_t *fault, oci_check_t *check,
                             const char *locator, apr_pool_t *pool)
{
    oci_blob_store_t *store = check->registry->blobs;
    int listed = 0;
    oci_error_t *error = check->look == OCI_LOOK_LOCKED
        ? is_listed(&listed, check->registry, locator, pool)
        : NULL;

    fault->fault = listed ? OCI_FAULT_BYTES_UNREADABLE : OCI_FAULT_BYTES_LOST;
    fault->detail = apr_psprintf(pool, "%s/%s %s", store->where, locator,
                                 listed ? "is there, but cannot be read"
                                        : "is missing or cannot be read");
    return error;
}

/* Compare a record with the bytes. */
static oci_error_t *compare(fault_t *fault, oci_check_t *check,
                            const oci_item_t *item, const char *record,
                            apr_pool_t *pool)
{
    oci_blob_store_t *store = check->registry->blobs;
    oci_blob_t blob;
    apr_off_t size;
    apr_status_t rv;

    fault->fault = OCI_FAULT_RECORD_INVALID;
    fault->detail = "its record cannot be parsed";
    if (oci_blob_parse(&blob, record, check->registry, item->what, pool)) {
        return NULL;
    }
    fault->fault = OCI_FAULT_BYTES_LOST;
    fault->detail = NULL;
    rv = oci_check_blob_size(&size, check, &blob, pool);
    if (rv == APR_NOTFOUND) {
        return set_lost(fault, check, blob.locator, pool);
    }
    if (rv != APR_SUCCESS) {
        return oci_error_storage(pool, rv, "cannot look at %s/%s", store->where,
                                 blob.locator);
    }
    if (size != blob.size) {
        fault->detail = apr_psprintf(pool,
                                     "%s/%s has %" APR_OFF_T_FMT
                                     " bytes instead of %" APR_OFF_T_FMT,
                                     store->where, blob.locator, size,
                                     blob.size);
    }
    else if (!item->of && is_wrong(check, item, blob.locator, pool)) {
        fault->fault = OCI_FAULT_BYTES_WRONG;
        fault->detail = apr_psprintf(pool,
                                     "the bytes of %s/%s have another "
                                     "digest",
                                     store->where, blob.locator);
    }
    return NULL;
}

/* Say why a blob is not forgotten: the bytes that the store lists may be right.
 */
static void spare(oci_finding_t *finding, oci_check_t *check,
                  const oci_item_t *item, apr_pool_t *pool)
{
    oci_blob_store_t *store = check->registry->blobs;
    apr_off_t size;

    if (item->hashed.known) {
        finding->remedy = "the file was changed meanwhile: check again";
    }
    else if (finding->fault != OCI_FAULT_BYTES_UNREADABLE
             && store->provider->blob_size(&size, store, item->of, pool)
                 == APR_NOTFOUND) {
        finding->fault = OCI_FAULT_BYTES_UNREADABLE;
        finding->detail = apr_psprintf(pool, "%s, and %s/%s cannot be read",
                                       finding->detail, store->where, item->of);
    }
}

/* Add the finding of a faulty blob, with what mends it. */
static oci_error_t *add_fault(oci_check_t *check, oci_item_t *item,
                              const fault_t *fault, apr_pool_t *pool)
{
    oci_finding_t *finding = oci_check_found(check, item, fault->fault, pool);
    oci_error_t *error = list_holders(&finding->holders, check->registry,
                                      item->what, HOLDERS, pool);
    int right = 0;

    finding->digest = item->what;
    finding->detail = fault->detail;
    if (!error && item->of) {
        error = has_digest(&right, check, item, item->of, pool);
    }
    if (right) {
        finding->fault = OCI_FAULT_RECORD_INVALID;
        finding->changes = set_record(item->what, item->size, item->of, pool);
    }
    else if (fault->fault != OCI_FAULT_BYTES_UNREADABLE
             && (!item->of || is_wrong(check, item, item->of, pool))) {
        finding->mend = forget;
    }
    else if (item->of) {
        spare(finding, check, item, pool);
    }
    if (check->look == OCI_LOOK_FIRST) {
        oci_digest_set_add(check->bad, item->what);
    }
    else if (check->look == OCI_LOOK_LOCKED
             && fault->fault == OCI_FAULT_BYTES_WRONG) {
        oci_digest_set_add(check->wrong, item->what);
    }
    return error;
}

/* Look for a blob that no repository holds, and that garbage collection does
 * not know of. */
static oci_error_t *look_for_holder(oci_check_t *check, oci_item_t *item,
                                    apr_pool_t *pool)
{
    apr_array_header_t *names;
    oci_finding_t *finding;
    const char *key = oci_key_orphan(pool, item->what);
    int noted;
    oci_error_t *error;

    if (check->listed && oci_digest_filter_has(check->listed, item->what)) {
        return NULL;
    }
    error = oci_blob_holders(&names, check->registry, item->what, 1, pool);
    if (error || names->nelts) {
        return error;
    }
    error = oci_fact_exists(&noted, check->registry, key, pool);
    if (error || noted) {
        return error;
    }
    finding = oci_check_found(check, item, OCI_FAULT_RECORD_UNHELD, pool);
    finding->digest = item->what;
    finding->detail = "no repository holds the blob";
    finding->changes = oci_change_list_make(pool);
    oci_change_put(finding->changes, OCI_CHANGE_PUT, key, NULL, 0);
    return NULL;
}

oci_error_t *oci_look_at_record(oci_check_t *check, oci_item_t *item,
                                apr_pool_t *pool)
{
    oci_value_t value = { 0 };
    fault_t fault;
    oci_error_t *error = NULL;

    if (item->value) {
        value = *item->value;
    }
    else {
        error = oci_fact_get(&value, check->registry,
                             oci_key_blob(pool, item->what), pool);
    }
    if (error || !value.data) {
        return error;
    }
    error = compare(&fault, check, item, value.data, pool);
    if (error) {
        return error;
    }
    return fault.detail ? add_fault(check, item, &fault, pool)
                        : look_for_holder(check, item, pool);
}
