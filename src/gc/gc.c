/* SPDX-License-Identifier: Apache-2.0 */

/* A run of the garbage collection: its order, and its lock.
 *
 * The fact "gc" says when the last full run ended, when the first run began,
 * and whether a run is under way:
 *
 *     seconds ";" seconds [ ";running" ]
 *
 * If the last run was killed, it may have taken a repository out of the
 * queue without reviewing it, so that the next run is a full one. */

#include <stdlib.h>
#include <string.h>

#include "apr_strings.h"
#include "apr_time.h"

#include "gc/gc.h"
#include "gc/gc_blobs.h"
#include "gc/gc_doomed.h"
#include "gc/gc_last_use.h"
#include "gc/gc_repository.h"
#include "gc/gc_step.h"
#include "gc/gc_uploads.h"
#include "registry/blob.h"
#include "registry/keys.h"
#include "registry/pairing.h"
#include "registry/repository.h"
#include "registry/walk.h"
#include "values/glob.h"

/* Locks are also named after repositories and blobs, and none has this name. */
#define LOCK_NAME "gc"

/* How often a full run is due, in seconds. */
#define FULL_EVERY 86400

#define UNDER_WAY ";running"

/* Check that the index belongs to the blob store: without the right index, all
 * blobs look like garbage. */
static oci_error_t *check_pair(const oci_gc_t *gc, apr_pool_t *pool)
{
    int paired;
    oci_error_t *error = oci_pairing_check_owner(gc->registry, !gc->dry, pool);

    if (!error) {
        error = oci_fact_exists(&paired, gc->registry, oci_key_store(), pool);
    }
    if (error || paired || !gc->registry->blobs->provider->identity) {
        return error;
    }
    error = oci_error_make(pool, OCI_E_UNAVAILABLE, NULL, NULL,
                           "the registry's blob store is not available");
    error->note = apr_psprintf(pool,
                               "the index %s does not record to which blob "
                               "store it belongs, so nothing is collected",
                               gc->registry->index->where);
    return error;
}

/* What the fact "gc" says. */
typedef struct state_t {
    apr_int64_t last; /* when the last full run ended, in seconds */
    int killed;       /* whether the last run did not come to its end */
} state_t;

/* Read the state, and find out whether this run is to be a full one. */
static oci_error_t *read_state(state_t *state, oci_gc_t *gc, apr_pool_t *pool)
{
    oci_value_t value;
    oci_error_t *error = oci_fact_get(&value, gc->registry, oci_key_gc(), pool);
    const char *since;

    if (error) {
        return error;
    }
    state->last = value.data ? apr_atoi64(value.data) : 0;
    since = value.data ? strchr(value.data, ';') : NULL;
    gc->since = since ? oci_gc_time(apr_atoi64(since + 1)) : 0;
    gc->since = gc->since ? gc->since : apr_time_sec(apr_time_now());
    state->killed = value.data && strstr(value.data, UNDER_WAY);
    gc->repair = state->killed;
    gc->unsettled = 0;
    /* A last run in the future is that of a clock that was wrong. */
    if (!gc->glob
        && (state->killed || oci_gc_is_past(state->last, FULL_EVERY)
            || !oci_gc_is_past(state->last, 0))) {
        gc->full = 1;
    }
    return NULL;
}

/* Write the state.  On a full disk the run goes on without it: it frees
 * space. */
static oci_error_t *write_state(const oci_gc_t *gc, apr_int64_t last,
                                const char *under_way, apr_pool_t *pool)
{
    const char *value = apr_psprintf(pool,
                                     "%" APR_INT64_T_FMT ";%" APR_INT64_T_FMT
                                     "%s",
                                     last, gc->since, under_way);
    oci_error_t *error = oci_fact_put(gc->registry, oci_key_gc(), value,
                                      gc->registry->durable, pool);

    return error && error->code == OCI_E_STORAGE_FULL ? NULL : error;
}

/* Whether a repository need not be reviewed yet.
 * due: a value in the queue, the time before which that is so: no longer than
 * the grace from now, unless a clock was wrong */
static int is_early(const oci_gc_t *gc, const char *due)
{
    apr_int64_t time = apr_atoi64(due);

    return !oci_gc_is_past(time, 0) && oci_gc_time(time - gc->grace);
}

/* Review a repository, if it is its turn. */
static oci_error_t *visit_repository(oci_walk_t *walk, const char *rest,
                                     const oci_value_t *value, apr_pool_t *pool)
{
    oci_gc_t *gc = walk->baton;
    const char *name = oci_key_suffix(pool, rest, "");

    walk->stop = oci_gc_is_stopped(gc);
    if ((gc->glob && !oci_glob_match(gc->glob, name, pool))
        || (value->data && is_early(gc, value->data))) {
        return NULL;
    }
    return oci_gc_skip(gc, oci_gc_repository(gc, name, pool));
}

/* Review what is in the queue but not in the catalog.  A crash of the machine
 * may bring back the fact in the queue of a repository that is gone. */
static oci_error_t *visit_unlisted(oci_walk_t *walk, const char *rest,
                                   const oci_value_t *value, apr_pool_t *pool)
{
    oci_repository_t repository = { walk->registry,
                                    oci_key_suffix(pool, rest, "") };
    int exists;
    oci_error_t *error = oci_repository_exists(&exists, &repository, pool);

    walk->stop = oci_gc_is_stopped(walk->baton);
    return error || exists ? error : visit_repository(walk, rest, value, pool);
}

static oci_error_t *review_unlisted(oci_gc_t *gc, apr_pool_t *pool)
{
    oci_walk_t walk = { .registry = gc->registry,
                        .prefix = oci_key_review(pool, NULL),
                        .visit = visit_unlisted,
                        .baton = gc };

    return oci_walk(&walk, pool);
}

static oci_error_t *review_repositories(oci_gc_t *gc, apr_pool_t *pool)
{
    int all = gc->full || gc->glob;
    oci_walk_t walk = { .registry = gc->registry,
                        .prefix = all ? oci_key_catalog(pool, NULL)
                                      : oci_key_review(pool, NULL),
                        .values = !all,
                        .visit = visit_repository,
                        .baton = gc };

    return oci_walk(&walk, pool);
}

static oci_error_t *run_steps(oci_gc_t *gc, apr_pool_t *pool)
{
    oci_error_t *error = oci_gc_uploads(gc, pool);
    oci_error_t *failed;
    apr_status_t rv = oci_gc_doomed_begin(gc, pool);

    if (rv != APR_SUCCESS) {
        return oci_error_storage(pool, rv, "cannot collect garbage");
    }
    gc->held = NULL;
    gc->taken_out = apr_array_make(pool, 16, sizeof(const char *));
    if (!error && gc->full) {
        error = oci_blob_filter_make(&gc->held, pool);
    }
    if (!error) {
        error = review_repositories(gc, pool);
    }
    if (!error && gc->full) {
        error = review_unlisted(gc, pool);
    }
    if (!error && gc->dry) {
        error = oci_gc_last_use_count(gc, pool);
    }
    if (!error) {
        error = oci_gc_orphans(gc, pool);
    }
    if (!error && gc->full) {
        error = oci_gc_blobs(gc, pool);
    }
    failed = oci_gc_delete_doomed(gc, 1, pool);
    return error ? error : oci_gc_skip(gc, failed);
}

/* Run under the lock.  If the run does not come to its end, the state still
 * says that it is under way. */
static oci_error_t *run(oci_gc_t *gc, apr_pool_t *pool)
{
    state_t state;
    oci_error_t *error = check_pair(gc, pool);

    if (!error) {
        error = read_state(&state, gc, pool);
    }
    if (!error && !gc->dry) {
        error = write_state(gc, state.last, UNDER_WAY, pool);
    }
    if (!error) {
        error = run_steps(gc, pool);
    }
    if (error || gc->dry || gc->unsettled || oci_gc_is_stopped(gc)
        || (state.killed && !gc->full)) {
        return error;
    }
    return write_state(gc,
                       gc->full && !(gc->partial && state.last)
                           ? apr_time_sec(apr_time_now())
                           : state.last,
                       "", pool);
}

/* Take the lock of a run.  If it could not be had, and the index answers, then
 * another run has it. */
static oci_error_t *lock_run(oci_lock_t **lock, oci_gc_t *gc, apr_pool_t *pool)
{
    oci_error_t *error = oci_registry_lock(lock, gc->registry, LOCK_NAME,
                                           OCI_LOCK_EXCLUSIVE, pool);

    gc->busy = error && error->locked
        && !oci_pairing_try_index(gc->registry, pool);
    if (gc->busy) {
        error->note = "another garbage collection is under way";
        error->status = APR_SUCCESS;
    }
    return error;
}

oci_error_t *oci_gc_run(oci_gc_t *gc, apr_pool_t *pool)
{
    oci_lock_t *lock;
    oci_error_t *error;

    memset(&gc->report, 0, sizeof(gc->report));
    error = lock_run(&lock, gc, pool);
    if (error) {
        return error;
    }
    error = run(gc, pool);
    oci_registry_unlock(gc->registry, lock);
    return error;
}
