/* SPDX-License-Identifier: Apache-2.0 */

/* Lists of the blobs and uploads of a store "s3". */

#include <string.h>

#include "apr_strings.h"

#include "s3/s3_list.h"
#include "s3/s3_multipart.h"
#include "s3/s3_store.h"
#include "s3/s3_stored.h"

#define PAGE 1000 /* the most entries in an answer */

/* Sorts behind the random ends of all keys of an upload. */
#define LAST "~"

static oci_stored_t *add(apr_array_header_t *entries, const char *name,
                         apr_off_t size, apr_time_t changed)
{
    oci_stored_t *stored = apr_array_push(entries);

    stored->name = name;
    stored->digest = NULL;
    stored->size = size;
    stored->changed = changed;
    stored->upload = NULL;
    return stored;
}

/* Return the id of an upload in one of its keys; NULL if the key is not the
 * store's. */
static const char *id_of(const char *key, const char *directory,
                         apr_pool_t *pool)
{
    apr_size_t length = strlen(directory);

    return oci_s3_store_is_key(key, directory)
        ? apr_pstrmemdup(pool, key + length,
                         strchr(key, OCI_S3_MARK) - key - length)
        : NULL;
}

/* List a page of the store's objects.  Others are passed over, also if a page
 * has nothing else. */
static apr_status_t list_own(oci_s3_listing_t *page,
                             const oci_s3_store_t *store, oci_s3_list_t *list,
                             apr_pool_t *pool)
{
    apr_status_t rv;
    int i, own;

    do {
        oci_s3_call_t call = oci_s3_store_call(store);

        rv = oci_s3_list(page, &call, list, pool);
        if (rv != APR_SUCCESS) {
            return rv;
        }
        for (i = own = 0; i < page->entries->nelts; i++) {
            oci_s3_entry_t *entries = (oci_s3_entry_t *)page->entries->elts;

            if (oci_s3_store_is_key(entries[i].key, list->prefix)) {
                entries[own++] = entries[i];
            }
        }
        page->entries->nelts = own;
        list->after = page->next;
    } while (page->next && !own);
    return APR_SUCCESS;
}

static apr_status_t list_blobs(apr_array_header_t *entries,
                               const oci_s3_store_t *store, const char *after,
                               int limit)
{
    oci_s3_list_t list = { OCI_S3_BLOBS, after, limit < PAGE ? limit : PAGE };
    oci_s3_listing_t page;
    apr_status_t rv = list_own(&page, store, &list, entries->pool);
    int i;

    for (i = 0; rv == APR_SUCCESS && i < page.entries->nelts; i++) {
        const oci_s3_entry_t *entry = &APR_ARRAY_IDX(page.entries, i,
                                                     oci_s3_entry_t);

        add(entries, entry->key, entry->size, entry->modified)
            ->upload = id_of(entry->key, OCI_S3_BLOBS, entries->pool);
    }
    return rv;
}

/* A page of ids, in their order. */
typedef struct page_t {
    apr_array_header_t *entries;
    const char *end; /* more may follow after this id; NULL at the end */
} page_t;

static void add_id(page_t *page, const char *id, apr_off_t size,
                   apr_time_t changed)
{
    apr_array_header_t *entries = page->entries;
    oci_stored_t *last = entries->nelts
        ? &APR_ARRAY_IDX(entries, entries->nelts - 1, oci_stored_t)
        : NULL;

    if (last && !strcmp(last->name, id)) {
        last->size += size;
        last->changed = changed > last->changed ? changed : last->changed;
        return;
    }
    add(entries, id, size, changed);
}

/* The keys of all objects of an upload are before this text, and those of the
 * next one behind it. */
static const char *behind(const char *directory, const char *id,
                          apr_pool_t *pool)
{
    return apr_psprintf(pool, "%s%s%c" LAST, directory, id, OCI_S3_MARK);
}

static apr_status_t list_tails(page_t *page, const oci_s3_store_t *store,
                               const char *after)
{
    apr_pool_t *pool = page->entries->pool;
    oci_s3_list_t list = { OCI_S3_TAILS,
                           after ? behind(OCI_S3_TAILS, after, pool) : NULL,
                           PAGE };
    oci_s3_listing_t found;
    apr_status_t rv = list_own(&found, store, &list, pool);
    int i;

    for (i = 0; rv == APR_SUCCESS && i < found.entries->nelts; i++) {
        const oci_s3_entry_t *entry = &APR_ARRAY_IDX(found.entries, i,
                                                     oci_s3_entry_t);
        const char *id = id_of(entry->key, OCI_S3_TAILS, pool);

        add_id(page, id, entry->size, entry->modified);
        page->end = found.next ? id : NULL;
    }
    return rv;
}

/* Uploads that are not the store's are passed over here, too. */
static apr_status_t list_parts(page_t *page, const oci_s3_store_t *store,
                               const char *after)
{
    apr_pool_t *pool = page->entries->pool;
    oci_s3_uploads_t found = { 0 };
    apr_status_t rv;
    int i;

    if (after) {
        found.next_key = apr_pstrcat(pool,
                                     oci_s3_client_settings(store->client)
                                         ->prefix,
                                     behind(OCI_S3_BLOBS, after, pool), NULL);
    }
    do {
        oci_s3_call_t call = oci_s3_store_call(store);

        rv = oci_s3_multipart_list(&found, &call, OCI_S3_BLOBS, pool);
        for (i = 0; rv == APR_SUCCESS && i < found.uploads->nelts; i++) {
            const oci_s3_pending_t *pending = &APR_ARRAY_IDX(found.uploads, i,
                                                             oci_s3_pending_t);
            const char *id = id_of(pending->upload.key, OCI_S3_BLOBS, pool);

            if (id && (!after || strcmp(id, after) > 0)) {
                add_id(page, id, 0, pending->started);
                page->end = found.next_key ? id : NULL;
            }
        }
    } while (rv == APR_SUCCESS && found.next_key && !page->entries->nelts);
    return rv;
}

/* Merge two pages.  What sorts behind the end of a page that is not the last
 * one waits for the next call. */
static void merge(apr_array_header_t *entries, const page_t *one,
                  const page_t *other, int limit)
{
    page_t merged = { entries, NULL };
    const char *end = one->end;
    int i = 0, k = 0;

    if (other->end && (!end || strcmp(other->end, end) < 0)) {
        end = other->end;
    }
    while (i < one->entries->nelts || k < other->entries->nelts) {
        const oci_stored_t *left = &APR_ARRAY_IDX(one->entries, i,
                                                  oci_stored_t);
        const oci_stored_t *right = &APR_ARRAY_IDX(other->entries, k,
                                                   oci_stored_t);
        int order = i == one->entries->nelts ? 1
            : k == other->entries->nelts     ? -1
                                             : strcmp(left->name, right->name);
        const oci_stored_t *next = order <= 0 ? left : right;

        if (end && strcmp(next->name, end) > 0) {
            break;
        }
        add_id(&merged, next->name, next->size, next->changed);
        i += order <= 0;
        k += order > 0;
    }
    if (entries->nelts > limit) {
        entries->nelts = limit;
    }
}

static apr_status_t list_uploads(apr_array_header_t *entries,
                                 const oci_s3_store_t *store, const char *after,
                                 int limit)
{
    apr_pool_t *pool = entries->pool;
    page_t parts = { apr_array_make(pool, 16, sizeof(oci_stored_t)), NULL };
    page_t tails = { apr_array_make(pool, 16, sizeof(oci_stored_t)), NULL };
    apr_status_t rv = list_parts(&parts, store, after);

    if (rv == APR_SUCCESS) {
        rv = list_tails(&tails, store, after);
    }
    if (rv == APR_SUCCESS) {
        merge(entries, &parts, &tails, limit);
    }
    return rv;
}

apr_status_t oci_s3_stored_list(apr_array_header_t **entries,
                                oci_blob_store_t *store, oci_stored_e kind,
                                const char *after, int limit, apr_pool_t *pool)
{
    const oci_s3_store_t *used;
    apr_status_t rv = oci_s3_store_use(&used, store, pool);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    *entries = apr_array_make(pool, 16, sizeof(oci_stored_t));
    return kind == OCI_STORED_UPLOADS
        ? list_uploads(*entries, used, after, limit)
        : list_blobs(*entries, used, after, limit);
}
