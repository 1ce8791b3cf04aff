/* SPDX-License-Identifier: Apache-2.0 */

/* Garbage collection of the bytes of blobs.  Whoever stores a blob's bytes and
 * then enters the blob into a repository holds the shared lock on its digest
 * meanwhile, so that what is seen here under the exclusive lock stays true. */

#include <string.h>

#include "apr_strings.h"

#include "gc/gc_blobs.h"
#include "gc/gc_step.h"
#include "registry/blob.h"
#include "registry/keys.h"
#include "registry/walk.h"
#include "values/digest.h"

/* How many blobs of the blob store to list at a time. */
#define LIST_BATCH 4096

/* How many blobs without a record to delete in one run at most, and how many
 * may be there in any case. */
#define MAX_UNRECORDED 10000
#define FEW_UNRECORDED 16

/* The longest locator, and a NUL. */
#define LOCATOR_SIZE 513

/* Delete the bytes of a blob that has no record any more. */
static oci_error_t *delete_bytes(oci_gc_t *gc, const oci_blob_t *blob,
                                 apr_pool_t *pool)
{
    oci_blob_store_t *store = gc->registry->blobs;
    apr_status_t rv = oci_blob_delete_bytes(gc->registry, blob, pool);

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

/* Find out whether one of these repositories holds a blob.
 * stale: the facts about those that do not are added, to be deleted */
static oci_error_t *ask_holders(int *held, apr_array_header_t *stale,
                                const oci_gc_t *gc, const char *digest,
                                const apr_array_header_t *names)
{
    apr_pool_t *pool = stale->pool;
    oci_error_t *error = NULL;
    int i;

    *held = 0;
    for (i = 0; i < names->nelts && !error && !*held; i++) {
        const char *name = APR_ARRAY_IDX(names, i, const char *);

        error = oci_fact_exists(held, gc->registry,
                                oci_key_held(pool, name, digest), pool);
        oci_change_delete(stale, oci_key_holder(pool, digest, name));
    }
    return error;
}

/* Find out whether a repository holds a blob.  A process that was killed while
 * it entered a blob, or took it out, may have left a fact that it does.
 * stale: such facts are added, to be deleted; not if the blob is held */
static oci_error_t *find_holder(int *held, apr_array_header_t *stale,
                                const oci_gc_t *gc, const char *digest)
{
    apr_array_header_t *names;
    oci_error_t *error;
    int limit = 1; /* the first one nearly always holds it */

    for (;;) {
        error = oci_blob_holders(&names, gc->registry, digest, limit,
                                 stale->pool);
        apr_array_clear(stale);
        if (!error) {
            error = ask_holders(held, stale, gc, digest, names);
        }
        if (error || *held || !limit || !names->nelts) {
            break;
        }
        limit = 0;
    }
    if (error || *held) {
        apr_array_clear(stale);
    }
    return error;
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
    oci_error_t *error = find_holder(&held, changes, gc, digest);

    if (!error && !held) {
        error = delete_blob(gc, changes, digest);
    }
    if (error || gc->dry) {
        return error;
    }
    apr_array_clear(changes);
    oci_change_delete(changes, oci_key_orphan(pool, digest));
    return oci_facts_apply(gc->registry, changes, 0, pool);
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
    return error;
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

/* Settle a blob that has a record, and that no repository holds.  If there is a
 * note, too, a dry run has counted the blob already. */
static oci_error_t *visit_record(oci_walk_t *walk, const char *digest,
                                 const oci_value_t *value, apr_pool_t *pool)
{
    oci_gc_t *gc = walk->baton;
    int held, noted = 0;
    oci_error_t *error;

    (void)value;
    walk->stop = oci_gc_is_stopped(gc);
    oci_gc_progress(gc);
    if (!oci_digest_valid(digest)) {
        return NULL;
    }
    error = find_holder(&held, oci_change_list_make(pool), gc, digest);
    if (!error && !held && gc->dry) {
        error = oci_fact_exists(&noted, gc->registry,
                                oci_key_orphan(pool, digest), pool);
    }
    if (error || held || noted) {
        return oci_gc_skip(gc, error);
    }
    return oci_gc_skip(gc, lock_and_settle_orphan(gc, digest, pool));
}

oci_error_t *oci_gc_unheld(oci_gc_t *gc, apr_pool_t *pool)
{
    oci_walk_t walk = { .registry = gc->registry,
                        .prefix = oci_key_blob(pool, NULL),
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
    apr_array_header_t *found; /* oci_stored_t */
    apr_uint64_t recorded;     /* number of blobs that have a record */
    apr_pool_t *pool;          /* for found */
} unrecorded_t;

/* Note bytes that have no record, and are old enough. */
static oci_error_t *review_stored(unrecorded_t *unrecorded, const oci_gc_t *gc,
                                  const oci_stored_t *stored, apr_pool_t *pool)
{
    oci_error_t *error;
    oci_stored_t *found;
    int recorded;

    if (!stored->digest
        || !oci_gc_is_past(apr_time_sec(stored->changed), gc->grace)) {
        return NULL;
    }
    error = is_recorded(&recorded, gc, stored, pool);
    if (error) {
        return error;
    }
    unrecorded->recorded += recorded;
    if (!recorded && unrecorded->found->nelts < MAX_UNRECORDED) {
        found = apr_array_push(unrecorded->found);
        *found = *stored;
        found->name = apr_pstrdup(unrecorded->pool, stored->name);
        found->digest = apr_pstrdup(unrecorded->pool, stored->digest);
    }
    return NULL;
}

/* Ask the index something.  A database ends a connection, and with it the run's
 * lock, that is idle for too long; blobs that are too young are not looked up,
 * and to list many of them can take long. */
static oci_error_t *keep_lock(const oci_gc_t *gc, apr_pool_t *pool)
{
    int exists;

    return oci_fact_exists(&exists, gc->registry, oci_key_gc(), pool);
}

/* Look at all blobs of the store. */
static oci_error_t *find_unrecorded(unrecorded_t *unrecorded, oci_gc_t *gc,
                                    apr_pool_t *page, apr_pool_t *scratch)
{
    oci_blob_store_t *store = gc->registry->blobs;
    char after[LOCATOR_SIZE] = "";
    apr_array_header_t *entries;
    oci_error_t *error = NULL;
    int i;

    do {
        apr_status_t rv;

        apr_pool_clear(page);
        rv = store->provider->list(&entries, store, OCI_STORED_BLOBS,
                                   *after ? after : NULL, LIST_BATCH, page);
        if (rv != APR_SUCCESS) {
            return oci_error_storage(page, rv, "cannot list the blobs in %s",
                                     store->where);
        }
        for (i = 0; i < entries->nelts && !error && !oci_gc_is_stopped(gc);
             i++) {
            const oci_stored_t *stored = &APR_ARRAY_IDX(entries, i,
                                                        oci_stored_t);

            apr_cpystrn(after, stored->name, sizeof(after));
            error = oci_gc_skip(gc,
                                review_stored(unrecorded, gc, stored, scratch));
            if (!error) {
                apr_pool_clear(scratch);
            }
        }
        if (!error) {
            error = keep_lock(gc, page);
        }
        oci_gc_progress(gc);
    } while (entries->nelts && !error && !oci_gc_is_stopped(gc));
    return error;
}

/* Only a kill leaves bytes without a record.  If very many have none, the index
 * is not the right one, or an old copy of it. */
static oci_error_t *check_number(const unrecorded_t *unrecorded,
                                 const oci_gc_t *gc, apr_pool_t *pool)
{
    int found = unrecorded->found->nelts;

    if (found <= FEW_UNRECORDED
        || (apr_uint64_t)found <= unrecorded->recorded / 10) {
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
                             unrecorded->recorded);
}

oci_error_t *oci_gc_unrecorded(oci_gc_t *gc, apr_pool_t *pool)
{
    unrecorded_t unrecorded = { .pool = pool };
    apr_pool_t *page, *scratch;
    apr_status_t rv = apr_pool_create(&page, pool);
    oci_error_t *error;
    int i;

    if (rv == APR_SUCCESS) {
        rv = apr_pool_create(&scratch, pool);
    }
    if (rv != APR_SUCCESS) {
        return oci_error_storage(pool, rv, "cannot look for bytes");
    }
    if (!gc->registry->blobs->provider->list) {
        return NULL;
    }
    unrecorded.found = apr_array_make(pool, 16, sizeof(oci_stored_t));
    error = find_unrecorded(&unrecorded, gc, page, scratch);
    if (error || (error = check_number(&unrecorded, gc, pool))) {
        return oci_gc_skip(gc, error);
    }
    for (i = 0; i < unrecorded.found->nelts && !error && !oci_gc_is_stopped(gc);
         i++) {
        const oci_stored_t *stored = &APR_ARRAY_IDX(unrecorded.found, i,
                                                    oci_stored_t);

        error = oci_gc_skip(gc,
                            lock_and_settle_unrecorded(gc, stored, scratch));
        if (!error) {
            apr_pool_clear(scratch);
        }
    }
    return error;
}
