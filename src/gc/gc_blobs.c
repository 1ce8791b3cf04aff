/* SPDX-License-Identifier: Apache-2.0 */

/* Garbage collection of the bytes of blobs.  Whoever stores a blob's bytes and
 * then enters the blob into a repository holds the shared lock on its digest
 * meanwhile, so that what is seen here under the exclusive lock stays true. */

#include <string.h>

#include "apr_strings.h"

#include "gc/gc_blobs.h"
#include "gc/gc_doomed.h"
#include "gc/gc_holders.h"
#include "gc/gc_step.h"
#include "gc/gc_strays.h"
#include "registry/blob.h"
#include "registry/keys.h"
#include "registry/stored_walk.h"
#include "registry/walk.h"
#include "values/digest.h"

/* How many blobs without a record to delete in one run at most, and how many
 * may be there in any case. */
#define MAX_UNRECORDED 10000
#define FEW_UNRECORDED 16

/* Delete the bytes of a blob that has no record any more. */
static oci_error_t *delete_bytes(oci_gc_t *gc, const oci_blob_t *blob,
                                 apr_pool_t *pool)
{
    oci_blob_store_t *store = gc->registry->blobs;
    apr_status_t rv;

    if (store->provider->remote) {
        gc->report.blobs++;
        gc->report.bytes += blob->size;
        oci_gc_doom(gc, blob->locator, blob->digest);
        return NULL;
    }
    rv = oci_blob_delete_bytes(gc->registry, blob, pool);
    if (rv != APR_SUCCESS && rv != APR_NOTFOUND && rv != APR_EBUSY) {
        return oci_error_storage(pool, rv, "cannot delete %s/%s", store->where,
                                 blob->locator);
    }
    if (rv == APR_SUCCESS) {
        gc->report.blobs++;
        gc->report.bytes += blob->size;
    }
    return NULL;
}

/* Delete the record of a blob, and then its bytes.
 * changes: to be made with it */
static oci_error_t *delete_blob(oci_gc_t *gc, apr_array_header_t *changes,
                                const char *digest)
{
    apr_pool_t *pool = changes->pool;
    oci_blob_t blob;
    oci_error_t *error = oci_blob_record(&blob, gc->registry, digest, pool);
    int found = !error;

    if (error && error->code != OCI_E_BLOB_UNKNOWN) {
        return error;
    }
    if (gc->dry) {
        gc->report.blobs += found;
        gc->report.bytes += found ? blob.size : 0;
        return NULL;
    }
    if (found) {
        oci_change_delete(changes, oci_key_blob(pool, digest));
    }
    error = oci_facts_apply(gc->registry, changes, gc->registry->durable, pool);
    return error || !found ? error : delete_bytes(gc, &blob, pool);
}

/* Delete a blob if no repository holds it, and then the note that it may be an
 * orphan.  The caller holds the exclusive lock on its digest. */
static oci_error_t *settle_orphan(oci_gc_t *gc, const char *digest,
                                  apr_pool_t *pool)
{
    apr_array_header_t *changes = oci_change_list_make(pool);
    int held;
    oci_error_t *error = oci_gc_holders_find(&held, changes, gc, digest);

    if (!error && !held) {
        error = delete_blob(gc, changes, digest);
    }
    if (error || gc->dry) {
        return error;
    }
    return oci_fact_delete(gc->registry, oci_key_orphan(pool, digest), 0, pool);
}

static oci_error_t *lock_and_settle_orphan(oci_gc_t *gc, const char *digest,
                                           apr_pool_t *pool)
{
    oci_lock_t *lock;
    oci_error_t *error = oci_blob_lock(&lock, gc->registry, digest,
                                       OCI_LOCK_EXCLUSIVE, pool);

    if (!error) {
        error = settle_orphan(gc, digest, pool);
        oci_registry_unlock(gc->registry, lock);
    }
    return error ? error : oci_gc_delete_doomed(gc, 0, pool);
}

static oci_error_t *visit_orphan(oci_walk_t *walk, const char *digest,
                                 const oci_value_t *value, apr_pool_t *pool)
{
    oci_gc_t *gc = walk->baton;

    (void)value;
    walk->stop = oci_gc_is_stopped(gc);
    oci_gc_progress(gc);
    return oci_digest_valid(digest)
        ? oci_gc_skip(gc, lock_and_settle_orphan(gc, digest, pool))
        : NULL;
}

oci_error_t *oci_gc_orphans(oci_gc_t *gc, apr_pool_t *pool)
{
    oci_walk_t walk = { .registry = gc->registry,
                        .prefix = oci_key_orphan(pool, NULL),
                        .visit = visit_orphan,
                        .baton = gc };

    return oci_walk(&walk, pool);
}

/* Settle a blob that has a record, if no repository holds it.  If there is a
 * note, too, a dry run has counted the blob already. */
static oci_error_t *review_recorded(oci_gc_t *gc, const char *digest,
                                    apr_pool_t *pool)
{
    int held, noted = 0;
    oci_error_t *error = oci_gc_holders_find(&held, oci_change_list_make(pool),
                                             gc, digest);

    if (!error && !held && gc->dry) {
        error = oci_fact_exists(&noted, gc->registry,
                                oci_key_orphan(pool, digest), pool);
    }
    return error || held || noted ? error
                                  : lock_and_settle_orphan(gc, digest, pool);
}

static oci_error_t *visit_record(oci_walk_t *walk, const char *digest,
                                 const oci_value_t *value, apr_pool_t *pool)
{
    oci_gc_t *gc = walk->baton;

    (void)value;
    walk->stop = oci_gc_is_stopped(gc);
    gc->report.stored++;
    oci_gc_progress(gc);
    return oci_digest_valid(digest) && !oci_digest_filter_has(gc->held, digest)
        ? oci_gc_skip(gc, review_recorded(gc, digest, pool))
        : NULL;
}

/* Go through all records of blobs. */
static oci_error_t *review_records(oci_gc_t *gc, apr_pool_t *pool)
{
    oci_walk_t walk = { .registry = gc->registry,
                        .prefix = oci_key_blob(pool, NULL),
                        .any_order = 1,
                        .visit = visit_record,
                        .baton = gc };

    return oci_walk(&walk, pool);
}

/* Whether the record of a digest names these bytes. */
static oci_error_t *is_recorded(int *recorded, const oci_gc_t *gc,
                                const oci_stored_t *stored, apr_pool_t *pool)
{
    oci_blob_t blob;
    oci_error_t *error = oci_blob_record(&blob, gc->registry, stored->digest,
                                         pool);

    *recorded = !error && !strcmp(blob.locator, stored->name);
    return error && error->code == OCI_E_BLOB_UNKNOWN ? NULL : error;
}

static oci_error_t *settle_unrecorded(oci_gc_t *gc, const oci_stored_t *stored,
                                      apr_pool_t *pool)
{
    oci_blob_t blob = { .digest = stored->digest,
                        .size = stored->size,
                        .locator = stored->name };
    int recorded;
    oci_error_t *error = is_recorded(&recorded, gc, stored, pool);

    if (error || recorded) {
        return error;
    }
    if (gc->dry) {
        gc->report.blobs++;
        gc->report.bytes += stored->size;
        return NULL;
    }
    return delete_bytes(gc, &blob, pool);
}

/* Delete bytes if they still have no record. */
static oci_error_t *lock_and_settle_unrecorded(oci_gc_t *gc,
                                               const oci_stored_t *stored,
                                               apr_pool_t *pool)
{
    oci_lock_t *lock;
    oci_error_t *error = oci_blob_lock(&lock, gc->registry, stored->digest,
                                       OCI_LOCK_EXCLUSIVE, pool);

    if (!error) {
        error = settle_unrecorded(gc, stored, pool);
        oci_registry_unlock(gc->registry, lock);
    }
    return error;
}

/* The bytes without a record that a look at all blobs found. */
typedef struct unrecorded_t {
    oci_gc_t *gc;
    apr_array_header_t *found; /* oci_stored_t */
    apr_uint64_t others;       /* number of the other blobs */
    apr_pool_t *pool;          /* for found */
} unrecorded_t;

/* Note bytes that have no record, if they are old enough. */
static oci_error_t *note_unrecorded(unrecorded_t *unrecorded,
                                    const oci_gc_t *gc, const char *locator,
                                    apr_pool_t *pool)
{
    oci_stored_t stored, *found;
    oci_error_t *error;

    if (unrecorded->found->nelts == MAX_UNRECORDED) {
        return NULL;
    }
    error = oci_blob_find_stored(&stored, gc->registry, locator, pool);
    if (!error && stored.name && stored.digest
        && oci_gc_is_past(apr_time_sec(stored.changed), gc->grace)) {
        found = apr_array_push(unrecorded->found);
        *found = stored;
        found->name = apr_pstrdup(unrecorded->pool, stored.name);
        found->digest = apr_pstrdup(unrecorded->pool, stored.digest);
    }
    return error;
}

/* Review a blob of the store.  What a repository held when it was reviewed is
 * not garbage. */
static oci_error_t *review_stored(unrecorded_t *unrecorded, oci_gc_t *gc,
                                  const oci_stored_t *stored, apr_pool_t *pool)
{
    int recorded;
    oci_error_t *error;

    if (!stored->digest) {
        return NULL;
    }
    gc->report.stored++;
    if (oci_digest_filter_has(gc->held, stored->digest)) {
        unrecorded->others++;
        return NULL;
    }
    error = is_recorded(&recorded, gc, stored, pool);
    if (error) {
        return error;
    }
    unrecorded->others += recorded;
    return recorded ? review_recorded(gc, stored->digest, pool)
                    : note_unrecorded(unrecorded, gc, stored->name, pool);
}

/* Look at a blob of the store, unless the run is stopped. */
static oci_error_t *visit_stored(oci_stored_walk_t *walk,
                                 const oci_stored_t *stored, apr_pool_t *pool)
{
    unrecorded_t *unrecorded = walk->baton;
    oci_gc_t *gc = unrecorded->gc;

    oci_gc_progress(gc);
    walk->stop = oci_gc_is_stopped(gc);
    return walk->stop
        ? NULL
        : oci_gc_skip(gc, review_stored(unrecorded, gc, stored, pool));
}

/* Look at all blobs of the store. */
static oci_error_t *review_store(unrecorded_t *unrecorded, apr_pool_t *pool)
{
    oci_stored_walk_t walk = { .store = unrecorded->gc->registry->blobs,
                               .kind = unrecorded->gc->dry
                                   ? OCI_STORED_BLOBS
                                   : OCI_STORED_RECOVERED,
                               .visit = visit_stored,
                               .baton = unrecorded };

    return oci_stored_walk(&walk, pool);
}

/* Only a kill leaves bytes without a record.  If very many have none, the index
 * is not the right one, or an old copy of it. */
static oci_error_t *check_number(const unrecorded_t *unrecorded,
                                 const oci_gc_t *gc, apr_pool_t *pool)
{
    int found = unrecorded->found->nelts;

    if (found <= FEW_UNRECORDED
        || (apr_uint64_t)found <= unrecorded->others / 10) {
        return NULL;
    }
    return oci_error_storage(pool, APR_SUCCESS,
                             "nothing is deleted in %s: the index %s has no "
                             "record of %d%s blobs there, and has records of "
                             "%" APR_UINT64_T_FMT
                             "; it may be a wrong or an old index",
                             gc->registry->blobs->where,
                             gc->registry->index->where, found,
                             found == MAX_UNRECORDED ? " or more" : "",
                             unrecorded->others);
}

/* Delete the bytes that were found. */
static oci_error_t *settle_found(oci_gc_t *gc, const unrecorded_t *unrecorded,
                                 apr_pool_t *scratch)
{
    oci_error_t *error = NULL;
    int i;

    for (i = 0;
         i < unrecorded->found->nelts && !error && !oci_gc_is_stopped(gc);
         i++) {
        const oci_stored_t *stored = &APR_ARRAY_IDX(unrecorded->found, i,
                                                    oci_stored_t);

        error = oci_gc_skip(gc,
                            lock_and_settle_unrecorded(gc, stored, scratch));
        if (!error) {
            apr_pool_clear(scratch);
        }
    }
    return error;
}

oci_error_t *oci_gc_blobs(oci_gc_t *gc, apr_pool_t *pool)
{
    const oci_blob_store_provider_t *provider = gc->registry->blobs->provider;
    unrecorded_t unrecorded = { .gc = gc, .pool = pool };
    apr_pool_t *scratch;
    apr_status_t rv = apr_pool_create(&scratch, pool);
    oci_error_t *error;

    if (rv != APR_SUCCESS) {
        return oci_error_storage(pool, rv, "cannot look for blobs");
    }
    if (!provider->list || provider->remote) {
        error = review_records(gc, pool);
        return error || !provider->list ? error : oci_gc_strays(gc, pool);
    }
    unrecorded.found = apr_array_make(pool, 16, sizeof(oci_stored_t));
    error = review_store(&unrecorded, pool);
    if (error || (error = check_number(&unrecorded, gc, pool))) {
        return oci_gc_skip(gc, error);
    }
    return settle_found(gc, &unrecorded, scratch);
}
