/* SPDX-License-Identifier: Apache-2.0 */

/* A run of the garbage collection: its order, and its lock.
 *
 * The fact "gc" says when the last full run ended, and whether a run is under
 * way.  If the last run was killed, it may have taken a repository out of the
 * queue without reviewing it, so that the next run is a full one. */

#include <stdlib.h>
#include <string.h>

#include "apr_strings.h"
#include "apr_time.h"

#include "gc/gc.h"
#include "gc/gc_blobs.h"
#include "gc/gc_repository.h"
#include "gc/gc_step.h"
#include "gc/gc_uploads.h"
#include "registry/keys.h"
#include "registry/pairing.h"
#include "registry/repository.h"
#include "values/glob.h"

/* Locks are also named after repositories and blobs, and none has this name. */
#define LOCK_NAME "gc"

/* How often a full run is due, in seconds. */
#define FULL_EVERY 86400

#define UNDER_WAY ";running"

/* The list of the repositories to review. */
typedef struct queue_t {
    const char *prefix; /* of the keys */
    int due;            /* whether a value is the time of the review */
} queue_t;

/* Check that the index belongs to the blob store: without the right index, all
 * blobs look like garbage. */
static oci_error_t *check_pair(const oci_gc_t *gc, apr_pool_t *pool)
{
    int paired;
    oci_error_t *error = oci_pairing_check(gc->registry, 1, pool);

    if (!error) {
        error = oci_fact_exists(&paired, gc->registry, oci_key_store(), pool);
    }
    if (error || paired) {
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

    if (error) {
        return error;
    }
    state->last = value.data ? apr_atoi64(value.data) : 0;
    state->killed = value.data && strstr(value.data, UNDER_WAY);
    if (!gc->glob
        && (state->killed || oci_gc_is_past(state->last, FULL_EVERY))) {
        gc->full = 1;
    }
    return NULL;
}

static oci_error_t *write_state(const oci_gc_t *gc, apr_int64_t last,
                                const char *under_way, apr_pool_t *pool)
{
    apr_array_header_t *changes = oci_change_list_make(pool);
    const char *value = apr_psprintf(pool, "%" APR_INT64_T_FMT "%s", last,
                                     under_way);

    oci_change_put(changes, OCI_CHANGE_PUT, oci_key_gc(), value, strlen(value));
    return oci_facts_apply(gc->registry, changes, gc->registry->durable, pool);
}

/* Whether to review the repository of an entry now. */
static int is_due(const oci_gc_t *gc, const queue_t *queue,
                  const oci_entry_t *entry, const char *name, apr_pool_t *pool)
{
    if (gc->glob && !oci_glob_match(gc->glob, name, pool)) {
        return 0;
    }
    return !queue->due || gc->dry
        || oci_gc_is_past(apr_atoi64(entry->value.data), 0);
}

/* Review the repositories of a list. */
static oci_error_t *review_list(oci_gc_t *gc, const queue_t *queue,
                                apr_pool_t *page, apr_pool_t *scratch)
{
    oci_scan_t scan = { queue->prefix, NULL, OCI_GC_BATCH, queue->due, 0 };
    char after[1024];
    oci_error_t *error = NULL;
    int full = 1;
    int i;

    while (full && !error && !oci_gc_is_stopped(gc)) {
        apr_array_header_t *entries;

        apr_pool_clear(page);
        error = oci_facts_scan(&entries, gc->registry, &scan, page);
        full = !error && entries->nelts == OCI_GC_BATCH;
        for (i = 0; !error && i < entries->nelts && !oci_gc_is_stopped(gc);
             i++) {
            const oci_entry_t *entry = &APR_ARRAY_IDX(entries, i, oci_entry_t);
            const char *name = oci_key_suffix(page, entry->key, scan.prefix);

            if (is_due(gc, queue, entry, name, page)) {
                error = oci_gc_skip(gc, oci_gc_repository(gc, name, scratch));
            }
            if (!error) {
                apr_pool_clear(scratch);
            }
            apr_cpystrn(after, entry->key + strlen(scan.prefix), sizeof(after));
        }
        scan.after = after;
    }
    return error;
}

static oci_error_t *review_repositories(oci_gc_t *gc, apr_pool_t *pool)
{
    queue_t all = { oci_key_catalog(pool, NULL), 0 };
    queue_t changed = { oci_key_review(pool, NULL), 1 };
    apr_pool_t *page, *scratch;
    apr_status_t rv = apr_pool_create(&page, pool);

    if (rv == APR_SUCCESS) {
        rv = apr_pool_create(&scratch, pool);
    }
    if (rv != APR_SUCCESS) {
        return oci_error_storage(pool, rv, "cannot review repositories");
    }
    return review_list(gc, gc->full || gc->glob ? &all : &changed, page,
                       scratch);
}

static oci_error_t *run_steps(oci_gc_t *gc, apr_pool_t *pool)
{
    oci_error_t *error = oci_gc_uploads(gc, pool);

    if (!error) {
        error = review_repositories(gc, pool);
    }
    if (!error) {
        error = oci_gc_orphans(gc, pool);
    }
    if (!error && gc->full) {
        error = oci_gc_unrecorded(gc, pool);
    }
    return error;
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
    if (error || gc->dry || oci_gc_is_stopped(gc)
        || (state.killed && !gc->full)) {
        return error;
    }
    return write_state(gc, gc->full ? apr_time_sec(apr_time_now()) : state.last,
                       "", pool);
}

/* Take the lock of a run.  If it could not be had, and the index answers, then
 * another run has it. */
static oci_error_t *lock_run(oci_lock_t **lock, oci_gc_t *gc, apr_pool_t *pool)
{
    int exists;
    oci_error_t *error = oci_registry_lock(lock, gc->registry, LOCK_NAME,
                                           OCI_LOCK_EXCLUSIVE, pool);

    gc->busy = error && error->code == OCI_E_UNAVAILABLE
        && !oci_fact_exists(&exists, gc->registry, oci_key_gc(), pool);
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
