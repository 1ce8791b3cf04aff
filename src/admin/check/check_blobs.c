/* SPDX-License-Identifier: Apache-2.0 */

/* Checks the bytes in the blob store, and the records of blobs. */

#include <string.h>

#include "apr_strings.h"

#include "admin/check/check_items.h"
#include "admin/check/check_rehash.h"
#include "admin/check/check_remote.h"
#include "registry/keys.h"
#include "registry/stored_walk.h"
#include "registry/walk.h"
#include "values/digest.h"

/* Look at bytes that the store lists. */
static oci_error_t *visit_stored(oci_stored_walk_t *walk,
                                 const oci_stored_t *stored, apr_pool_t *pool)
{
    oci_check_t *check = walk->baton;
    oci_item_t item = { .look = oci_look_at_stored,
                        .blob = stored->digest,
                        .what = stored->digest,
                        .of = stored->name,
                        .size = stored->size };
    oci_blob_t blob;
    oci_value_t value;
    oci_error_t *error = oci_check_progress(check, pool);

    if (error || !stored->digest) {
        return error;
    }
    error = oci_fact_get(&value, check->registry,
                         oci_key_blob(pool, stored->digest), pool);
    if (error) {
        return oci_check_skip(check, error);
    }
    if (value.data) {
        if (!oci_blob_parse(&blob, value.data, check->registry, stored->digest,
                            pool)
            && !strcmp(blob.locator, stored->name)
            && blob.size == stored->size) {
            return NULL;
        }
        item.look = oci_look_at_record;
        oci_digest_set_add(check->settled, stored->digest);
    }
    return oci_check_item(check, &item, pool);
}

/* Look at all bytes in the blob store. */
static oci_error_t *check_stored(oci_check_t *check, apr_pool_t *pool)
{
    oci_stored_walk_t walk = { .store = check->registry->blobs,
                               .kind = OCI_STORED_BLOBS,
                               .visit = visit_stored,
                               .baton = check };
    const oci_blob_store_provider_t *provider = walk.store->provider;
    oci_error_t *error;

    if (!provider->list || provider->remote) {
        return oci_check_remote_list(check);
    }
    error = oci_stored_walk(&walk, pool);
    return error ? error : oci_check_settle(check);
}

/* Take note of a blob whose bytes were read. */
static oci_error_t *note_hash(oci_check_t *check, const char *digest,
                              const oci_hashed_t *hashed, apr_status_t status,
                              apr_pool_t *pool)
{
    oci_item_t item = { .look = oci_look_at_record,
                        .blob = digest,
                        .what = digest,
                        .hashed = *hashed };

    if (status == APR_NOTFOUND) {
        return NULL; /* it was just collected, or is found to be missing */
    }
    if (APR_STATUS_IS_EINTR(status)) {
        return oci_check_progress(check, pool);
    }
    if (status != APR_SUCCESS) {
        return oci_check_skip(check,
                              oci_error_storage(pool, status,
                                                "cannot read the bytes of %s",
                                                digest));
    }
    check->totals.bytes += hashed->size;
    return hashed->right ? NULL : oci_check_item(check, &item, pool);
}

/* The walk through all records. */
typedef struct record_walk_t {
    oci_check_t *check;
    oci_rehash_t *rehash; /* NULL if no bytes are read */
} record_walk_t;

/* Look at a record, and have the bytes read. */
static oci_error_t *visit_record(oci_walk_t *walk, const char *digest,
                                 const oci_value_t *value, apr_pool_t *pool)
{
    record_walk_t *records = walk->baton;
    oci_check_t *check = records->check;
    oci_item_t item = { .look = oci_look_at_record,
                        .blob = digest,
                        .what = digest,
                        .value = value };
    int suspected = check->suspected;
    oci_blob_t blob;
    oci_error_t *error = oci_check_progress(check, pool);

    if (error || !oci_digest_valid(digest)) {
        return error
            ? error
            : oci_check_foreign(check, oci_key_blob(pool, digest), pool);
    }
    check->totals.blobs++;
    if (check->strays && value->data && strchr(value->data, ';')) {
        oci_check_remote_visit(check, strchr(value->data, ';') + 1);
    }
    if (oci_digest_set_has(check->settled, digest)) {
        return NULL;
    }
    error = oci_check_item(check, &item, pool);
    if (error || suspected != check->suspected || !records->rehash
        || oci_blob_parse(&blob, value->data, check->registry, digest, pool)) {
        return error;
    }
    return oci_rehash_add(records->rehash, digest, blob.locator);
}

/* Note a blob that a fact "holder/ab/sha256:ab...,<hash>" lists. */
static oci_error_t *visit_holder(oci_walk_t *walk, const char *rest,
                                 const oci_value_t *value, apr_pool_t *pool)
{
    oci_check_t *check = walk->baton;
    const char *slash = strchr(rest, '/');
    const char *digest = slash
        ? apr_pstrmemdup(pool, slash + 1, strcspn(slash + 1, ","))
        : "";

    (void)value;
    if (oci_digest_valid(digest)) {
        oci_digest_filter_add(check->listed, digest);
    }
    return oci_check_progress(check, pool);
}

/* Note which blobs have holders. */
static oci_error_t *note_holders(oci_check_t *check, apr_pool_t *pool)
{
    oci_walk_t walk = { .registry = check->registry,
                        .prefix = oci_key_holders(pool, NULL),
                        .any_order = 1,
                        .visit = visit_holder,
                        .baton = check };
    oci_error_t *error = oci_blob_filter_make(&check->listed, check->pool);

    return error ? error : oci_walk(&walk, pool);
}

static oci_error_t *check_records(oci_check_t *check, apr_pool_t *pool)
{
    record_walk_t records = { .check = check };
    oci_walk_t walk = { .registry = check->registry,
                        .prefix = oci_key_blob(pool, ""),
                        .values = 1,
                        .any_order = 1,
                        .visit = visit_record,
                        .baton = &records };
    oci_error_t *error = note_holders(check, pool);

    if (!error && check->digests) {
        error = oci_rehash_start(&records.rehash, check, note_hash, pool);
    }
    if (!error) {
        error = oci_walk(&walk, pool);
    }
    if (!error && records.rehash) {
        error = oci_rehash_end(records.rehash);
    }
    if (!error) {
        error = oci_check_remote_strays(check, pool);
    }
    return error ? error : oci_check_settle(check);
}

oci_error_t *oci_check_blobs(oci_check_t *check, apr_pool_t *pool)
{
    oci_error_t *error = check_stored(check, pool);

    return error ? error : check_records(check, pool);
}
