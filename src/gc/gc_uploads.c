/* SPDX-License-Identifier: Apache-2.0 */

/* Garbage collection of uploads.
 *
 * The bytes of an upload show how long it has been idle.  An upload that ends
 * leaves a tombstone until its id is too old to begin an upload, see
 * upload_id.h.  Then the tombstone goes, too; so does the record of an upload
 * whose bytes are gone. */

#include <stdlib.h>
#include <string.h>

#include "apr_strings.h"

#include "gc/gc_step.h"
#include "gc/gc_uploads.h"
#include "registry/keys.h"
#include "registry/random.h"
#include "registry/upload_id.h"
#include "registry/walk.h"

/* How long an upload must have been idle, in seconds, to be ended when space
 * runs out. */
#define ROOM_IDLE 60

/* The longest id of an upload, and a NUL. */
#define ID_SIZE 65

/* List uploads in the blob store.
 * @param after "" for the first ones */
static oci_error_t *list(apr_array_header_t **entries, const oci_gc_t *gc,
                         const char *after, int limit, apr_pool_t *pool)
{
    oci_blob_store_t *store = gc->registry->blobs;
    apr_status_t rv;

    if (!store->provider->list) {
        *entries = apr_array_make(pool, 1, sizeof(oci_stored_t));
        return NULL;
    }
    rv = store->provider->list(entries, store, OCI_STORED_UPLOADS,
                               *after ? after : NULL, limit, pool);
    return rv == APR_SUCCESS
        ? NULL
        : oci_error_storage(pool, rv, "cannot list the uploads in %s",
                            store->where);
}

static int is_idle(const oci_gc_t *gc, const oci_stored_t *stored)
{
    return oci_gc_is_past(apr_time_sec(stored->changed), gc->upload_expiry);
}

/* Put a tombstone for an upload, unless its id is too old to need one. */
static oci_error_t *end_record(const oci_gc_t *gc, const char *id,
                               apr_pool_t *pool)
{
    apr_array_header_t *changes = oci_change_list_make(pool);
    const char *key = oci_key_upload(pool, id);

    if (oci_upload_id_expired(id, apr_time_now())) {
        oci_change_delete(changes, key);
    }
    else {
        oci_change_put(changes, OCI_CHANGE_PUT, key, NULL, 0);
    }
    return oci_facts_apply(gc->registry, changes, 0, pool);
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

/* End a claimed upload if it is idle still: a request may have continued it
 * before it was claimed.  The bytes go first: a full disk may have no room for
 * the tombstone.  An upload without its bytes cannot be continued either, and
 * its record goes when its id is too old. */
static oci_error_t *end_claimed(oci_gc_t *gc, oci_blob_writer_t *writer,
                                const char *id, apr_pool_t *pool)
{
    oci_blob_store_t *store = gc->registry->blobs;
    const oci_stored_t *stored;
    oci_error_t *error = find_stored(&stored, gc, id, pool);
    apr_status_t rv;

    if (error || !stored || !is_idle(gc, stored)) {
        return error;
    }
    rv = store->provider->upload_abort(writer);
    if (rv != APR_SUCCESS) {
        return oci_error_storage(pool, rv, "cannot delete the upload %s in %s",
                                 id, store->where);
    }
    gc->report.uploads++;
    gc->report.bytes += stored->size;
    error = end_record(gc, id, pool);
    return error && error->code == OCI_E_STORAGE_FULL ? NULL : error;
}

static oci_error_t *end_idle(oci_gc_t *gc, const oci_stored_t *stored,
                             apr_pool_t *pool)
{
    oci_blob_store_t *store = gc->registry->blobs;
    oci_blob_writer_t *writer;
    apr_status_t rv;

    if (!is_idle(gc, stored)) {
        return NULL;
    }
    if (gc->dry) {
        gc->report.uploads++;
        gc->report.bytes += stored->size;
        return NULL;
    }
    rv = store->provider->upload_open(&writer, store, stored->name, pool);
    if (rv == APR_EBUSY) {
        return NULL;
    }
    if (rv != APR_SUCCESS) {
        return oci_error_storage(pool, rv, "cannot open the upload %s in %s",
                                 stored->name, store->where);
    }
    return end_claimed(gc, writer, stored->name, pool);
}

static oci_error_t *end_all_idle(oci_gc_t *gc, apr_pool_t *page,
                                 apr_pool_t *scratch)
{
    char after[ID_SIZE] = "";
    oci_error_t *error = NULL;
    int more = 1;
    int i;

    while (more && !error && !oci_gc_is_stopped(gc)) {
        apr_array_header_t *entries;

        apr_pool_clear(page);
        error = list(&entries, gc, after, OCI_GC_BATCH, page);
        more = !error && entries->nelts;
        for (i = 0; !error && i < entries->nelts && !oci_gc_is_stopped(gc);
             i++) {
            const oci_stored_t *stored = &APR_ARRAY_IDX(entries, i,
                                                        oci_stored_t);

            error = oci_gc_skip(gc, end_idle(gc, stored, scratch));
            if (!error) {
                apr_pool_clear(scratch);
            }
            apr_cpystrn(after, stored->name, sizeof(after));
        }
        oci_gc_progress(gc);
    }
    return error;
}

/* Remove a record if no client can continue its upload. */
static oci_error_t *remove_if_over(oci_gc_t *gc, const char *id, int tombstone,
                                   apr_pool_t *pool)
{
    apr_array_header_t *changes = oci_change_list_make(pool);
    const oci_stored_t *stored = NULL;
    oci_error_t *error = NULL;

    if (!tombstone) {
        error = find_stored(&stored, gc, id, pool);
    }
    if (error || stored || gc->dry) {
        return error;
    }
    oci_change_delete(changes, oci_key_upload(pool, id));
    return oci_facts_apply(gc->registry, changes, 0, pool);
}

static oci_error_t *visit_record(oci_walk_t *walk, const char *rest,
                                 const oci_value_t *value, apr_pool_t *pool)
{
    oci_gc_t *gc = walk->baton;
    const char *slash = strchr(rest, '/');

    walk->stop = oci_gc_is_stopped(gc);
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

/* List all uploads, the one that has been idle for longest first. */
static oci_error_t *list_by_age(apr_array_header_t **uploads,
                                const oci_gc_t *gc, apr_pool_t *pool)
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
    qsort((*uploads)->elts, (*uploads)->nelts, sizeof(oci_stored_t),
          compare_by_age);
    return NULL;
}

apr_off_t oci_gc_make_room(const oci_registry_t *registry, apr_off_t bytes,
                           apr_pool_t *parent)
{
    oci_gc_t gc = { .registry = registry, .upload_expiry = ROOM_IDLE };
    apr_array_header_t *uploads;
    apr_pool_t *pool, *scratch;
    int i;

    if (apr_pool_create(&pool, parent) != APR_SUCCESS) {
        return 0;
    }
    if (apr_pool_create(&scratch, pool) == APR_SUCCESS
        && !list_by_age(&uploads, &gc, pool)) {
        for (i = 0; i < uploads->nelts && gc.report.bytes < (apr_uint64_t)bytes;
             i++) {
            end_idle(&gc, &APR_ARRAY_IDX(uploads, i, oci_stored_t), scratch);
            apr_pool_clear(scratch);
        }
    }
    apr_pool_destroy(pool);
    return (apr_off_t)gc.report.bytes;
}
