/* SPDX-License-Identifier: Apache-2.0 */

/* Checks what a remote blob store lists.  Its names do not tell the digests, so
 * that listed bytes cannot be looked up in the index.  Instead
 *
 *   - the locators of all records go into a filter;
 *   - the store is listed: bytes whose locator is not in the filter are
 *     suspects, unless they are those of an upload that may be under way;
 *   - all records are visited again: bytes that one of them names are no longer
 *     suspects,
 *
 * so that the bytes of a push that goes on meanwhile are not reported. */

#include <stdlib.h>
#include <string.h>

#include "apr_strings.h"

#include "admin/check/check_items.h"
#include "admin/check/check_remote.h"
#include "registry/keys.h"
#include "registry/stored_walk.h"
#include "registry/walk.h"
#include "values/digest.h"

/* Younger bytes may be those of an upload, in seconds. */
#define UPLOAD_AGE 86400

/* How many strays are reported, at most. */
#define MAX_STRAYS 10000

/* Bytes that no record names. */
typedef struct listed_stray_t {
    const char *locator;
    int recorded; /* whether a record names them after all */
} listed_stray_t;

/* A look at all that the store lists. */
typedef struct remote_list_t {
    oci_check_t *check;
    oci_digest_filter_t *locators; /* their hashes, in all records */
} remote_list_t;

static const char *hash_of(const char *text, apr_pool_t *pool)
{
    return oci_digest_of(OCI_SHA256, text, strlen(text), pool);
}

static oci_error_t *visit_locator(oci_walk_t *walk, const char *digest,
                                  const oci_value_t *value, apr_pool_t *pool)
{
    const char *semicolon = strchr(value->data, ';');

    (void)digest;
    if (semicolon) {
        oci_digest_filter_add(walk->baton,
                              oci_blob_locator_hash(semicolon + 1, pool));
    }
    return NULL;
}

/* Note the locators of all records. */
static oci_error_t *note_locators(oci_digest_filter_t **locators,
                                  const oci_check_t *check, apr_pool_t *pool)
{
    oci_walk_t walk = { .registry = check->registry,
                        .prefix = oci_key_blob(pool, ""),
                        .values = 1,
                        .any_order = 1,
                        .visit = visit_locator };
    oci_error_t *error = oci_blob_filter_make(locators, pool);

    walk.baton = *locators;
    return error ? error : oci_walk(&walk, pool);
}

/* Whether an upload that is under way may need its bytes. */
static oci_error_t *is_needed(int *needed, const oci_check_t *check,
                              const oci_stored_t *stored, apr_pool_t *pool)
{
    oci_value_t record = { NULL, 0 };
    oci_error_t *error = stored->upload
        ? oci_fact_get(&record, check->registry,
                       oci_key_upload(pool, stored->upload), pool)
        : NULL;

    *needed = record.size > 0;
    return error;
}

/* Note listed bytes. */
static oci_error_t *note_stored(oci_stored_walk_t *walk,
                                const oci_stored_t *stored, apr_pool_t *pool)
{
    const remote_list_t *list = walk->baton;
    oci_check_t *check = list->check;
    apr_time_t since = apr_time_now() - apr_time_from_sec(UPLOAD_AGE);
    const char *record = oci_blob_format(stored->size, stored->name, pool);
    oci_error_t *error = oci_check_progress(check, pool);
    int needed;

    if (error) {
        return error;
    }
    oci_digest_filter_add(check->stored, hash_of(record, pool));
    if (stored->changed >= since || check->strays->nelts >= MAX_STRAYS
        || oci_digest_filter_has(list->locators,
                                 oci_blob_locator_hash(stored->name, pool))) {
        return NULL;
    }
    error = is_needed(&needed, check, stored, pool);
    if (!error && !needed) {
        listed_stray_t *stray = apr_array_push(check->strays);

        stray->locator = apr_pstrdup(check->pool, stored->name);
        stray->recorded = 0;
    }
    return error;
}

oci_error_t *oci_check_remote_list(oci_check_t *check)
{
    remote_list_t list = { .check = check };
    oci_stored_walk_t walk = { .store = check->registry->blobs,
                               .kind = OCI_STORED_BLOBS,
                               .visit = note_stored,
                               .baton = &list };
    const oci_blob_store_provider_t *provider = walk.store->provider;
    apr_pool_t *pool;
    oci_error_t *error;

    if (!provider->remote || !provider->list) {
        return NULL;
    }
    apr_pool_create(&pool, check->pool);
    check->strays = apr_array_make(check->pool, 16, sizeof(listed_stray_t));
    error = oci_blob_filter_make(&check->stored, check->pool);
    if (!error) {
        error = note_locators(&list.locators, check, pool);
    }
    if (!error) {
        error = oci_stored_walk(&walk, pool);
    }
    if (!error) {
        apr_pool_destroy(pool);
    }
    return error;
}

static int compare(const void *left, const void *right)
{
    return strcmp(((const listed_stray_t *)left)->locator,
                  ((const listed_stray_t *)right)->locator);
}

/* The store lists in bytewise order, so the strays are sorted. */
void oci_check_remote_visit(oci_check_t *check, const char *locator)
{
    const listed_stray_t key = { .locator = locator };
    listed_stray_t *stray = check->strays
        ? bsearch(&key, check->strays->elts, check->strays->nelts,
                  sizeof(listed_stray_t), compare)
        : NULL;

    if (stray) {
        stray->recorded = 1;
    }
}

/* Look at bytes that no record names. */
static oci_error_t *look_at_stray(oci_check_t *check, oci_item_t *item,
                                  apr_pool_t *pool)
{
    oci_blob_store_t *store = check->registry->blobs;
    oci_finding_t *finding;
    apr_off_t size;
    apr_status_t rv = store->provider->blob_size(&size, store, item->what,
                                                 pool);

    if (rv == APR_NOTFOUND) {
        return NULL;
    }
    if (rv != APR_SUCCESS) {
        return oci_error_storage(pool, rv, "cannot look at %s/%s", store->where,
                                 item->what);
    }
    finding = oci_check_found(check, item, OCI_FAULT_BYTES_UNRECORDED, pool);
    finding->key = apr_pstrcat(pool, store->where, "/", item->what, NULL);
    finding->detail = "no record names these bytes";
    return NULL;
}

oci_error_t *oci_check_remote_strays(oci_check_t *check, apr_pool_t *pool)
{
    oci_error_t *error = NULL;
    int i;

    for (i = 0; check->strays && !error && i < check->strays->nelts; i++) {
        const listed_stray_t *stray = &APR_ARRAY_IDX(check->strays, i,
                                                     listed_stray_t);
        oci_item_t item = { .look = look_at_stray, .what = stray->locator };

        if (!stray->recorded) {
            error = oci_check_item(check, &item, pool);
        }
    }
    return error ? error : oci_check_settle(check);
}

apr_status_t oci_check_blob_size(apr_off_t *size, const oci_check_t *check,
                                 const oci_blob_t *blob, apr_pool_t *pool)
{
    oci_blob_store_t *store = check->registry->blobs;

    if (check->stored && check->look == OCI_LOOK_FIRST
        && oci_digest_filter_has(check->stored,
                                 hash_of(oci_blob_format(blob->size,
                                                         blob->locator, pool),
                                         pool))) {
        *size = blob->size;
        return APR_SUCCESS;
    }
    return store->provider->blob_size(size, store, blob->locator, pool);
}
