/* SPDX-License-Identifier: Apache-2.0 */

/* Garbage collection of uploads.
 *
 * The bytes of an upload show how long it has been idle.  An upload that ends
 * leaves a tombstone until its id is too old to begin an upload, see
 * upload_id.h.  Then the tombstone goes, too; so does the record of an upload
 * whose bytes are gone. */

#include <stdlib.h>
#include <string.h>

#include "apr_atomic.h"
#include "apr_strings.h"

#include "gc/gc_step.h"
#include "gc/gc_uploads.h"
#include "registry/keys.h"
#include "registry/random.h"
#include "registry/stored_walk.h"
#include "registry/upload_id.h"
#include "registry/upload_lease.h"
#include "registry/walk.h"

/* How long an upload must have been idle, in seconds, to be ended when space
 * runs out. */
#define ROOM_IDLE 60

/* How many uploads to end then at most, for one request. */
#define ROOM_UPLOADS 100

/* List uploads in the blob store.
 * @param after "" for the first ones */
static oci_error_t *list(apr_array_header_t **entries, const oci_gc_t *gc,
                         const char *after, int limit, apr_pool_t *pool)
{
    oci_stored_page_t page = { gc->registry->blobs, OCI_STORED_UPLOADS,
                               *after ? after : NULL, limit };

    if (!page.store->provider->list) {
        *entries = apr_array_make(pool, 1, sizeof(oci_stored_t));
        return NULL;
    }
    return oci_stored_list(entries, &page, pool);
}

static int is_idle(const oci_gc_t *gc, const oci_stored_t *stored)
{
    return oci_gc_is_past(apr_time_sec(stored->changed), gc->upload_expiry);
}

/* Find an upload in the list of the blob store.
 * *stored: set to it; NULL if it is not there */
static oci_error_t *find_stored(const oci_stored_t **stored, const oci_gc_t *gc,
                                const char *id, apr_pool_t *pool)
{
    apr_size_t length = strlen(id);
    char *before = apr_pstrmemdup(pool, id, length);
    apr_array_header_t *entries;
    oci_error_t *error;

    before[length - 1]--; /* no other id is between the two */
    error = list(&entries, gc, before, 1, pool);
    *stored = NULL;
    if (!error && entries->nelts) {
        *stored = &APR_ARRAY_IDX(entries, 0, oci_stored_t);
        *stored = strcmp((*stored)->name, id) ? NULL : *stored;
    }
    return error;
}

/* An upload that this run has claimed. */
typedef struct claim_t {
    const oci_stored_t *stored; /* as it was listed before */
    oci_blob_writer_t *writer;
} claim_t;

/* Claim an upload, unless a request is writing to it. */
static oci_error_t *claim(apr_array_header_t *claims, const oci_gc_t *gc,
                          const oci_stored_t *stored)
{
    oci_blob_store_t *store = gc->registry->blobs;
    apr_pool_t *pool = claims->pool;
    oci_blob_writer_t *writer;
    apr_status_t rv = store->provider->upload_open(&writer, store, stored->name,
                                                   pool);
    claim_t *claimed;

    if (rv == APR_EBUSY) {
        return NULL;
    }
    if (rv != APR_SUCCESS) {
        return oci_error_storage(pool, rv, "cannot open the upload %s in %s",
                                 stored->name, store->where);
    }
    claimed = apr_array_push(claims);
    claimed->stored = stored;
    claimed->writer = writer;
    return NULL;
}

/* Delete the bytes of an upload. */
static oci_error_t *delete_bytes(oci_gc_t *gc, const oci_stored_t *stored,
                                 oci_blob_writer_t *writer, apr_pool_t *pool)
{
    oci_blob_store_t *store = gc->registry->blobs;
    apr_status_t rv = store->provider->upload_abort(writer);

    if (rv != APR_SUCCESS) {
        return oci_error_storage(pool, rv, "cannot delete the upload %s in %s",
                                 stored->name, store->where);
    }
    gc->report.uploads++;
    gc->report.bytes += stored->size;
    return NULL;
}

/* End an upload of a remote store: first its record, if nobody has written to
 * it for long enough, so that no request can take its lease any more. */
static oci_error_t *end_remote(oci_gc_t *gc, const oci_stored_t *stored,
                               apr_pool_t *pool)
{
    oci_blob_store_t *store = gc->registry->blobs;
    oci_blob_writer_t *writer;
    apr_int64_t since = apr_time_sec(apr_time_now()) - gc->upload_expiry;
    apr_status_t rv;
    int ended;
    oci_error_t *error = oci_upload_lease_expire(&ended, gc->registry,
                                                 stored->name, since, pool);

    if (error || !ended) {
        return error;
    }
    rv = store->provider->upload_open(&writer, store, stored->name, pool);
    return rv == APR_SUCCESS
        ? delete_bytes(gc, stored, writer, pool)
        : oci_error_storage(pool, rv, "cannot open the upload %s in %s",
                            stored->name, store->where);
}

/* Delete the bytes of an upload whose record has ended: what the record led to,
 * or what the store finds.  If a request had begun to make a blob of them, they
 * stay. */
static oci_error_t *delete_recorded(oci_gc_t *gc, const oci_stored_t *stored,
                                    const oci_upload_record_t *record,
                                    apr_pool_t *pool)
{
    oci_blob_store_t *store = gc->registry->blobs;
    oci_blob_writer_t *writer;
    apr_status_t rv = store->provider->upload_open(&writer, store, stored->name,
                                                   pool);

    if (rv == APR_SUCCESS && !record->finishing
        && store->provider->upload_resume(writer, record->size, record->store)
            != APR_SUCCESS) {
        rv = store->provider->upload_open(&writer, store, stored->name, pool);
    }
    if (rv != APR_SUCCESS) {
        return oci_error_storage(pool, rv, "cannot open the upload %s in %s",
                                 stored->name, store->where);
    }
    return delete_bytes(gc, stored, writer, pool);
}

/* End an upload of a remote store by its record, because not all stores list
 * all uploads. */
static oci_error_t *end_recorded(oci_gc_t *gc, const char *id,
                                 const oci_value_t *value, apr_pool_t *pool)
{
    oci_upload_record_t record;
    oci_stored_t stored = { .name = id };
    apr_int64_t since = apr_time_sec(apr_time_now()) - gc->upload_expiry;
    oci_error_t *error;
    int ended;

    if (oci_upload_record_parse(&record, value->data, value->size, pool)
            != APR_SUCCESS
        || record.lease.seconds >= since) {
        return NULL;
    }
    if (gc->dry) {
        gc->report.uploads++;
        return NULL;
    }
    error = oci_upload_lease_expire(&ended, gc->registry, id, since, pool);
    stored.size = record.size;
    return error || !ended ? error
                           : delete_recorded(gc, &stored, &record, pool);
}

/* Delete the bytes of a claimed upload, and end its record.  The bytes go
 * first: a full disk may have no room for the tombstone.  An upload without its
 * bytes cannot be continued either, and its record goes when its id is too
 * old. */
static oci_error_t *end_claimed(oci_gc_t *gc, const claim_t *claimed,
                                apr_pool_t *pool)
{
    oci_error_t *error = delete_bytes(gc, claimed->stored, claimed->writer,
                                      pool);

    if (error) {
        return error;
    }
    error = oci_upload_id_end(gc->registry, claimed->stored->name, pool);
    return error && error->code == OCI_E_STORAGE_FULL ? NULL : error;
}

static int compare_name(const void *name, const void *stored)
{
    return strcmp(name, ((const oci_stored_t *)stored)->name);
}

/* End the claimed uploads that are idle still: a request may have continued one
 * before it was claimed.
 * entries: a list, in the order of names, that was made after that */
static oci_error_t *end_claims(oci_gc_t *gc, const apr_array_header_t *claims,
                               const apr_array_header_t *entries)
{
    oci_error_t *error = NULL;
    int i;

    for (i = 0; i < claims->nelts && !error; i++) {
        const claim_t *claimed = &APR_ARRAY_IDX(claims, i, claim_t);
        const oci_stored_t *stored = bsearch(claimed->stored->name,
                                             entries->elts, entries->nelts,
                                             entries->elt_size, compare_name);

        if (stored && is_idle(gc, stored)) {
            error = oci_gc_skip(gc, end_claimed(gc, claimed, claims->pool));
        }
    }
    return error;
}

/* End the idle uploads of a page.
 * after: what the page was listed with
 * pool: the uploads are claimed as long as it lives */
static oci_error_t *end_page(oci_gc_t *gc, const apr_array_header_t *entries,
                             const char *after, apr_pool_t *pool)
{
    apr_array_header_t *claims = apr_array_make(pool, 16, sizeof(claim_t));
    apr_array_header_t *again;
    oci_error_t *error = NULL;
    int remote = gc->registry->blobs->provider->remote;
    int i;

    for (i = 0; i < entries->nelts && !error && !oci_gc_is_stopped(gc); i++) {
        const oci_stored_t *stored = &APR_ARRAY_IDX(entries, i, oci_stored_t);

        if (is_idle(gc, stored) && gc->dry) {
            gc->report.uploads += !remote; /* its records are counted */
            gc->report.bytes += stored->size;
        }
        else if (is_idle(gc, stored)) {
            error = oci_gc_skip(gc,
                                remote ? end_remote(gc, stored, pool)
                                       : claim(claims, gc, stored));
        }
    }
    if (error || !claims->nelts) {
        return error;
    }
    error = list(&again, gc, after, OCI_GC_BATCH, pool);
    return error ? error : end_claims(gc, claims, again);
}

static oci_error_t *end_all_idle(oci_gc_t *gc, apr_pool_t *page,
                                 apr_pool_t *scratch)
{
    char after[OCI_STORED_NAME_MAX + 1] = "";
    apr_array_header_t *entries;
    oci_error_t *error = list(&entries, gc, after, OCI_GC_BATCH, page);

    while (!error && entries->nelts && !oci_gc_is_stopped(gc)) {
        gc->report.pending += entries->nelts;
        error = end_page(gc, entries, after, scratch);
        if (!error) {
            apr_cpystrn(after,
                        APR_ARRAY_IDX(entries, entries->nelts - 1, oci_stored_t)
                            .name,
                        sizeof(after));
            apr_pool_clear(scratch);
            apr_pool_clear(page);
            error = list(&entries, gc, after, OCI_GC_BATCH, page);
        }
        oci_gc_progress(gc);
    }
    return error;
}

/* Remove a record if no client can continue its upload. */
static oci_error_t *remove_if_over(oci_gc_t *gc, const char *id, int tombstone,
                                   apr_pool_t *pool)
{
    const oci_stored_t *stored = NULL;
    oci_error_t *error = NULL;

    if (!tombstone) {
        error = find_stored(&stored, gc, id, pool);
    }
    return error || stored || gc->dry
        ? error
        : oci_fact_delete(gc->registry, oci_key_upload(pool, id), 0, pool);
}

static oci_error_t *visit_record(oci_walk_t *walk, const char *rest,
                                 const oci_value_t *value, apr_pool_t *pool)
{
    oci_gc_t *gc = walk->baton;
    const char *slash = strchr(rest, '/');

    walk->stop = oci_gc_is_stopped(gc);
    if (slash && value->size && gc->registry->blobs->provider->remote) {
        return oci_gc_skip(gc, end_recorded(gc, slash + 1, value, pool));
    }
    return slash && oci_upload_id_expired(slash + 1, apr_time_now())
        ? oci_gc_skip(gc, remove_if_over(gc, slash + 1, !value->size, pool))
        : NULL;
}

static oci_error_t *remove_old_records(oci_gc_t *gc, apr_pool_t *pool)
{
    oci_walk_t walk = { .registry = gc->registry,
                        .prefix = "upload/",
                        .values = 1,
                        .visit = visit_record,
                        .baton = gc };

    return oci_walk(&walk, pool);
}

oci_error_t *oci_gc_uploads(oci_gc_t *gc, apr_pool_t *pool)
{
    apr_pool_t *page, *scratch;
    apr_status_t rv = apr_pool_create(&page, pool);
    oci_error_t *error;

    if (rv == APR_SUCCESS) {
        rv = apr_pool_create(&scratch, pool);
    }
    if (rv != APR_SUCCESS) {
        return oci_error_storage(pool, rv, "cannot look for uploads");
    }
    error = end_all_idle(gc, page, scratch);
    return error ? error : remove_old_records(gc, pool);
}

static int compare_by_age(const void *left, const void *right)
{
    apr_time_t one = ((const oci_stored_t *)left)->changed;
    apr_time_t other = ((const oci_stored_t *)right)->changed;

    return (one > other) - (one < other);
}

/* List all uploads, in the order of their names. */
static oci_error_t *list_all(apr_array_header_t **uploads, const oci_gc_t *gc,
                             apr_pool_t *pool)
{
    apr_array_header_t *entries;
    const char *after = "";
    oci_error_t *error;

    *uploads = apr_array_make(pool, 16, sizeof(oci_stored_t));
    do {
        if ((error = list(&entries, gc, after, OCI_GC_BATCH, pool))) {
            return error;
        }
        apr_array_cat(*uploads, entries);
        if (entries->nelts) {
            after = APR_ARRAY_IDX(entries, entries->nelts - 1, oci_stored_t)
                        .name;
        }
    } while (entries->nelts);
    return NULL;
}

/* End so many uploads that these bytes are free, the one that has been idle for
 * longest first. */
static oci_error_t *end_oldest(oci_gc_t *gc, apr_off_t bytes, apr_pool_t *pool)
{
    apr_array_header_t *claims = apr_array_make(pool, 16, sizeof(claim_t));
    apr_array_header_t *uploads;
    oci_error_t *error = list_all(&uploads, gc, pool);
    int i;

    if (error) {
        return error;
    }
    qsort(uploads->elts, uploads->nelts, sizeof(oci_stored_t), compare_by_age);
    for (i = 0; i < uploads->nelts && bytes > 0 && claims->nelts < ROOM_UPLOADS;
         i++) {
        const oci_stored_t *stored = &APR_ARRAY_IDX(uploads, i, oci_stored_t);
        int before = claims->nelts;

        if (!is_idle(gc, stored) || claim(claims, gc, stored)) {
            break;
        }
        bytes -= claims->nelts > before ? stored->size : 0;
    }
    if (claims->nelts && !(error = list_all(&uploads, gc, pool))) {
        error = end_claims(gc, claims, uploads);
    }
    return error;
}

static void ignore_error(void *baton, const oci_error_t *error)
{
    (void)baton;
    (void)error;
}

apr_off_t oci_gc_make_room(apr_uint64_t *ended, const oci_registry_t *registry,
                           apr_off_t bytes, apr_pool_t *parent)
{
    static volatile apr_uint32_t busy; /* whether a thread makes room */
    oci_gc_t gc = { .registry = registry,
                    .upload_expiry = ROOM_IDLE,
                    .report_error = ignore_error };
    apr_pool_t *pool;

    *ended = 0;
    if (registry->blobs->provider->remote) {
        return 0; /* its space is not this machine's */
    }
    if (apr_atomic_cas32(&busy, 1, 0)) {
        return 0;
    }
    if (apr_pool_create(&pool, parent) == APR_SUCCESS) {
        end_oldest(&gc, bytes, pool);
        apr_pool_destroy(pool);
    }
    apr_atomic_set32(&busy, 0);
    *ended = gc.report.uploads;
    return (apr_off_t)gc.report.bytes;
}
