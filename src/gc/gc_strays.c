/* SPDX-License-Identifier: Apache-2.0 */

/* Garbage collection of bytes in a remote store that no record names.  A
 * locator of a remote store does not tell the digest, so that no lock on the
 * digest can be taken.  It needs none: a locator is never used again, and only
 * the request that made the bytes can enter them, which it does at once.  The
 * note that bytes had no record is made with this host's clock, not with that
 * of the store. */

#include <stdlib.h>
#include <string.h>

#include "apr_strings.h"

#include "gc/gc_doomed.h"
#include "gc/gc_step.h"
#include "gc/gc_strays.h"
#include "registry/blob.h"
#include "registry/keys.h"
#include "registry/stored_walk.h"
#include "registry/walk.h"
#include "values/digest.h"

/* The least time for which bytes have no record before they are deleted, in
 * seconds: mod_oci.h promises it to stores. */
#define MIN_WAIT 180

/* How many strays to look at in one run at most, and how many may be there in
 * any case. */
#define MAX_STRAYS 10000
#define FEW_STRAYS 64

/* Bytes that seem to have no record. */
typedef struct stray_t {
    const char *locator;
    const char *hash;   /* the digest of the locator, its name in the index */
    const char *upload; /* that made them, or NULL */
    apr_off_t size;
    int needed; /* whether a record names them after all, or an upload may */
} stray_t;

/* A look at all blobs of a store. */
typedef struct strays_t {
    oci_gc_t *gc;
    oci_digest_filter_t *recorded; /* the hashes of all locators in records */
    apr_array_header_t *found;     /* of stray_t; sorted by hash */
    apr_uint64_t others;           /* number of the other blobs */
    int unknown; /* number of strays whose upload the index does not know */
    apr_pool_t *pool; /* for found */
} strays_t;

/* Return the hash of the locator in a record, or NULL. */
static const char *recorded_hash(const oci_value_t *record, apr_pool_t *pool)
{
    const char *locator = record->data ? strchr(record->data, ';') : NULL;

    return locator ? oci_blob_locator_hash(locator + 1, pool) : NULL;
}

static int compare(const void *left, const void *right)
{
    return strcmp(((const stray_t *)left)->hash,
                  ((const stray_t *)right)->hash);
}

/* Return the stray with a hash, or NULL. */
static stray_t *find(const strays_t *strays, const char *hash)
{
    const stray_t key = { .hash = hash };

    return bsearch(&key, strays->found->elts, strays->found->nelts,
                   sizeof(stray_t), compare);
}

static oci_error_t *add_recorded(oci_walk_t *walk, const char *digest,
                                 const oci_value_t *record, apr_pool_t *pool)
{
    strays_t *strays = walk->baton;
    const char *hash = recorded_hash(record, pool);

    (void)digest;
    walk->stop = oci_gc_is_stopped(strays->gc);
    if (hash) {
        oci_digest_filter_add(strays->recorded, hash);
    }
    return NULL;
}

static oci_error_t *drop_recorded(oci_walk_t *walk, const char *digest,
                                  const oci_value_t *record, apr_pool_t *pool)
{
    strays_t *strays = walk->baton;
    const char *hash = recorded_hash(record, pool);
    stray_t *stray = hash ? find(strays, hash) : NULL;

    (void)digest;
    walk->stop = oci_gc_is_stopped(strays->gc);
    if (stray) {
        stray->needed = 1;
    }
    return NULL;
}

static oci_error_t *walk_records(strays_t *strays, oci_visit_t *visit,
                                 apr_pool_t *pool)
{
    oci_walk_t walk = { .registry = strays->gc->registry,
                        .prefix = oci_key_blob(pool, NULL),
                        .values = 1,
                        .any_order = 1,
                        .visit = visit,
                        .baton = strays };

    return oci_walk(&walk, pool);
}

static oci_error_t *look_at(oci_stored_walk_t *walk, const oci_stored_t *stored,
                            apr_pool_t *pool)
{
    strays_t *strays = walk->baton;
    const char *hash = oci_blob_locator_hash(stored->name, pool);
    stray_t *stray;

    strays->gc->report.stored++;
    oci_gc_progress(strays->gc);
    walk->stop = oci_gc_is_stopped(strays->gc);
    if (oci_digest_filter_has(strays->recorded, hash)) {
        strays->others++;
        return NULL;
    }
    if (strays->found->nelts == MAX_STRAYS) {
        return NULL;
    }
    stray = apr_array_push(strays->found);
    stray->locator = apr_pstrdup(strays->pool, stored->name);
    stray->hash = apr_pstrdup(strays->pool, hash);
    stray->upload = apr_pstrdup(strays->pool, stored->upload);
    stray->size = stored->size;
    stray->needed = 0;
    return NULL;
}

/* Find out which strays an upload may still go on with, and how many are of
 * uploads that the index does not know. */
static oci_error_t *ask_uploads(strays_t *strays, apr_pool_t *scratch)
{
    int i;

    for (i = 0; i < strays->found->nelts; i++) {
        stray_t *stray = &APR_ARRAY_IDX(strays->found, i, stray_t);
        oci_value_t upload = { NULL, 0 };
        oci_error_t *error = NULL;

        if (stray->needed) {
            continue;
        }
        if (stray->upload) {
            error = oci_fact_get(&upload, strays->gc->registry,
                                 oci_key_upload(scratch, stray->upload),
                                 scratch);
        }
        if (error) {
            return error;
        }
        stray->needed = upload.size > 0;
        strays->unknown += !upload.data;
        apr_pool_clear(scratch);
    }
    return NULL;
}

/* Only kills, and pushes of one blob at the same time, leave strays that no
 * upload explains.  If there are very many, the index is not the right one, or
 * an old copy of it. */
static oci_error_t *check_number(const strays_t *strays, apr_pool_t *pool)
{
    const oci_registry_t *registry = strays->gc->registry;
    int found = strays->unknown;

    if (found <= FEW_STRAYS || (apr_uint64_t)found <= strays->others / 10) {
        return NULL;
    }
    return oci_error_storage(pool, APR_SUCCESS,
                             "no blobs without a record are deleted in %s: the "
                             "index %s has no record of %d%s blobs there, and "
                             "has records of %" APR_UINT64_T_FMT
                             "; it may be a wrong or an old index",
                             registry->blobs->where, registry->index->where,
                             found, found == MAX_STRAYS ? " or more" : "",
                             strays->others);
}

static int wait_of(const oci_gc_t *gc)
{
    int wait = gc->grace > gc->upload_expiry ? gc->grace : gc->upload_expiry;

    return wait > MIN_WAIT ? wait : MIN_WAIT;
}

static oci_error_t *put_note(oci_gc_t *gc, const char *key, apr_pool_t *pool)
{
    const char *now = apr_psprintf(pool, "%" APR_INT64_T_FMT,
                                   apr_time_sec(apr_time_now()));

    return oci_fact_put(gc->registry, key, now, 0, pool);
}

/* Note a stray, or delete it if it was noted long enough ago.  The note stays
 * until the next run: a request that finds it does not enter the bytes. */
static oci_error_t *settle(oci_gc_t *gc, const stray_t *stray, apr_pool_t *pool)
{
    const char *key = oci_key_stray(pool, stray->hash);
    oci_value_t noted;
    oci_error_t *error = oci_fact_get(&noted, gc->registry, key, pool);
    apr_int64_t since;

    if (error) {
        return error;
    }
    since = noted.data ? oci_gc_time(apr_atoi64(noted.data)) : 0;
    if (!since || !oci_gc_is_past(since, wait_of(gc))) {
        return since || gc->dry ? NULL : put_note(gc, key, pool);
    }
    gc->report.blobs++;
    gc->report.bytes += stray->size;
    if (!gc->dry) {
        oci_gc_doom(gc, stray->locator, NULL);
    }
    return oci_gc_delete_doomed(gc, 0, pool);
}

static oci_error_t *settle_all(strays_t *strays, apr_pool_t *scratch)
{
    oci_error_t *error = NULL;
    int i;

    for (i = 0;
         i < strays->found->nelts && !error && !oci_gc_is_stopped(strays->gc);
         i++) {
        const stray_t *stray = &APR_ARRAY_IDX(strays->found, i, stray_t);

        if (!stray->needed) {
            error = oci_gc_skip(strays->gc, settle(strays->gc, stray, scratch));
        }
        if (!error) {
            apr_pool_clear(scratch);
        }
    }
    return error;
}

/* Remove a note whose bytes are gone, or have a record. */
static oci_error_t *visit_note(oci_walk_t *walk, const char *hash,
                               const oci_value_t *value, apr_pool_t *pool)
{
    strays_t *strays = walk->baton;
    const stray_t *stray = find(strays, hash);

    (void)value;
    walk->stop = oci_gc_is_stopped(strays->gc);
    return stray && !stray->needed
        ? NULL
        : oci_gc_skip(strays->gc,
                      oci_fact_delete(walk->registry, oci_key_stray(pool, hash),
                                      0, pool));
}

static oci_error_t *remove_notes(strays_t *strays, apr_pool_t *pool)
{
    oci_walk_t walk = { .registry = strays->gc->registry,
                        .prefix = oci_key_stray(pool, NULL),
                        .visit = visit_note,
                        .baton = strays };

    return strays->gc->dry || strays->found->nelts == MAX_STRAYS
        ? NULL
        : oci_walk(&walk, pool);
}

/* Find the strays, or return an error. */
static oci_error_t *find_strays(strays_t *strays, apr_pool_t *scratch)
{
    oci_stored_walk_t walk = { .store = strays->gc->registry->blobs,
                               .kind = OCI_STORED_BLOBS,
                               .visit = look_at,
                               .baton = strays };
    oci_error_t *error = walk_records(strays, add_recorded, strays->pool);

    if (!error) {
        error = oci_stored_walk(&walk, strays->pool);
    }
    if (error || !strays->found->nelts || oci_gc_is_stopped(strays->gc)) {
        return error;
    }
    qsort(strays->found->elts, strays->found->nelts, sizeof(stray_t), compare);
    error = walk_records(strays, drop_recorded, strays->pool);
    apr_pool_clear(scratch);
    if (!error) {
        error = ask_uploads(strays, scratch);
    }
    return error ? error : check_number(strays, strays->pool);
}

oci_error_t *oci_gc_strays(oci_gc_t *gc, apr_pool_t *pool)
{
    strays_t strays = { .gc = gc, .pool = pool };
    oci_error_t *error = oci_blob_filter_make(&strays.recorded, pool);
    apr_pool_t *scratch;
    apr_status_t rv = apr_pool_create(&scratch, pool);

    if (rv != APR_SUCCESS) {
        return oci_error_storage(pool, rv, "cannot look for blobs");
    }
    strays.found = apr_array_make(pool, 16, sizeof(stray_t));
    if (!error) { /* what this run has doomed is no stray */
        error = oci_gc_skip(gc, oci_gc_delete_doomed(gc, 1, pool));
    }
    if (!error) {
        error = find_strays(&strays, scratch);
    }
    if (error || oci_gc_is_stopped(gc)) {
        return oci_gc_skip(gc, error);
    }
    apr_pool_clear(scratch);
    error = settle_all(&strays, scratch);
    return error || oci_gc_is_stopped(gc) ? error : remove_notes(&strays, pool);
}
