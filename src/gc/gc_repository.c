/* SPDX-License-Identifier: Apache-2.0 */

/* Garbage collection in one repository.
 *
 * All blobs are compared with what the manifests name, page by page and without
 * a lock.  The blobs that have to change are gathered.  A batch of them is
 * changed in three steps, so that the lock is not held for longer if the
 * repository has many manifests:
 *
 *     exclusive lock    condemn the blobs
 *     no lock           read the manifests that were pushed since
 *     exclusive lock    release what is named now, collect what is due
 *
 * Whoever adds content holds the shared lock.  A manifest that is pushed before
 * the first step is read in the second one, and the push of a later one
 * releases the condemned blobs that it names.  So what is still condemned in
 * the third step, and was not named in the second one, is not named at all.
 *
 * A run that is killed between these steps may leave a blob condemned that is
 * named.  The next run is a full one that releases it. */

#include <string.h>

#include "apr_strings.h"
#include "apr_time.h"

#include "gc/gc_last_use.h"
#include "gc/gc_named.h"
#include "gc/gc_repository.h"
#include "gc/gc_step.h"
#include "gc/gc_tags.h"
#include "gc/gc_untagged.h"
#include "registry/blob.h"
#include "registry/keys.h"
#include "registry/pending.h"
#include "registry/repository.h"
#include "registry/walk.h"
#include "values/digest.h"

typedef enum {
    KEEP,
    RELEASE,
    WAIT, /* condemned, but not long enough */
    CONDEMN,
    COLLECT
} decision_e;

/* The review of one repository. */
typedef struct review_t {
    oci_gc_t *gc;
    oci_repository_t repository;
    oci_gc_named_t *named;
    apr_array_header_t *batch; /* const char *: digests that have to change */
    apr_pool_t *batch_pool;    /* for batch and its digests */
    int waiting;               /* whether some blobs stay condemned */
    int incomplete;            /* whether some manifests could not be read */
    int locked;                /* whether a lock could not be had */
    apr_pool_t *pool;          /* as long as the review */
} review_t;

static decision_e decide(const review_t *review, const char *digest,
                         const char *held)
{
    apr_int64_t since = oci_gc_time(oci_blob_condemned_at(held));

    if (oci_gc_named_has(review->named, digest)) {
        return oci_blob_condemned_at(held) ? RELEASE : KEEP;
    }
    if (!review->gc->grace
        || (since && oci_gc_is_past(since, review->gc->grace))) {
        return COLLECT;
    }
    return since ? WAIT : CONDEMN;
}

/* Read what the manifests name.  If one of them is damaged, the review ends. */
static oci_error_t *read_manifests(review_t *review, apr_pool_t *pool)
{
    oci_error_t *damaged;
    oci_error_t *error = oci_gc_named_read(&damaged, review->named, pool);

    review->incomplete |= oci_gc_named_is_partial(review->named);
    if (!error && damaged) {
        review->incomplete = 1;
        error = oci_gc_skip(review->gc, damaged);
    }
    return error;
}

static void count(review_t *review, decision_e decision)
{
    oci_gc_report_t *report = &review->gc->report;

    report->condemned += decision == CONDEMN;
    report->waiting += decision == WAIT;
    report->collected += decision == COLLECT;
    review->waiting |= decision == CONDEMN || decision == WAIT;
}

/* Read the fact about a blob of a batch. */
static oci_error_t *read_held(oci_value_t *held, const char **digest,
                              const review_t *review, int i, apr_pool_t *pool)
{
    *digest = APR_ARRAY_IDX(review->batch, i, const char *);
    return oci_fact_get(held, review->repository.registry,
                        oci_key_held(pool, review->repository.name, *digest),
                        pool);
}

/* Condemn the blobs of a batch that are not condemned.  The caller holds the
 * lock.  On a full disk they stay as they are. */
static oci_error_t *condemn_batch(review_t *review, apr_pool_t *pool)
{
    apr_array_header_t *changes = oci_change_list_make(pool);
    const char *mark = oci_blob_condemn(apr_time_sec(apr_time_now()), pool);
    oci_error_t *error = oci_pending_cancel(changes, &review->repository, pool);
    int cancelled = changes->nelts;
    int i;

    for (i = 0; i < review->batch->nelts && !error; i++) {
        const char *digest;
        oci_value_t held;

        error = read_held(&held, &digest, review, i, pool);
        if (!error && held.data
            && !oci_gc_time(oci_blob_condemned_at(held.data))) {
            oci_change_put(changes, OCI_CHANGE_PUT,
                           oci_key_held(pool, review->repository.name, digest),
                           mark, strlen(mark));
        }
    }
    if (error || changes->nelts == cancelled) {
        return error;
    }
    /* The marks replace what was acknowledged. */
    error = oci_facts_apply(review->repository.registry, changes, 1, pool);
    return error && error->code == OCI_E_STORAGE_FULL ? NULL : error;
}

/* Add the changes for one blob.  What is taken out of the repository may be the
 * last use of the blob, which is noted first. */
static void add_changes(apr_array_header_t *changes, const review_t *review,
                        const char *digest, decision_e decision)
{
    if (decision == RELEASE) {
        oci_change_put(changes, OCI_CHANGE_PUT,
                       oci_key_held(changes->pool, review->repository.name,
                                    digest),
                       NULL, 0);
    }
    else if (decision == COLLECT) {
        oci_blob_add_removal(changes, &review->repository, digest);
    }
}

/* Decide on a batch again, and change it.  The caller holds the lock.  A blob
 * that is not condemned any more was released. */
static oci_error_t *settle_batch(review_t *review, apr_pool_t *pool)
{
    apr_array_header_t *changes = oci_change_list_make(pool);
    int grace = review->gc->grace;
    oci_error_t *error = grace ? NULL : read_manifests(review, pool);
    int cancelled, i;

    if (!error && !review->incomplete) {
        error = oci_pending_cancel(changes, &review->repository, pool);
    }
    cancelled = changes->nelts;
    for (i = 0; i < review->batch->nelts && !error && !review->incomplete;
         i++) {
        const char *digest;
        oci_value_t held;

        error = read_held(&held, &digest, review, i, pool);
        if (!error && held.data
            && (!grace || oci_blob_condemned_at(held.data))) {
            decision_e decision = decide(review, digest, held.data);

            add_changes(changes, review, digest, decision);
            count(review, decision == WAIT ? CONDEMN : decision);
        }
    }
    if (error || review->incomplete || changes->nelts == cancelled) {
        return error;
    }
    return oci_facts_remove(review->repository.registry, changes, pool);
}

static oci_error_t *with_lock(review_t *review,
                              oci_error_t *step(review_t *, apr_pool_t *))
{
    oci_lock_t *lock;
    oci_error_t *error = oci_repository_lock(&lock, &review->repository,
                                             OCI_LOCK_EXCLUSIVE,
                                             review->batch_pool);

    if (error) {
        return error;
    }
    error = step(review, review->batch_pool);
    oci_repository_unlock(&review->repository, lock);
    return error;
}

/* Without a grace the manifests are read once more under the lock: what is
 * condemned would be collected at once. */
static oci_error_t *change_batch(review_t *review)
{
    oci_error_t *error;

    if (!review->gc->grace) {
        return with_lock(review, settle_batch);
    }
    error = with_lock(review, condemn_batch);
    if (error) {
        return error;
    }
    error = read_manifests(review, review->batch_pool);
    if (!error && !review->incomplete) {
        error = with_lock(review, settle_batch);
    }
    review->gc->unsettled |= error || review->incomplete;
    return error;
}

/* Begin a new batch. */
static void clear_batch(review_t *review)
{
    apr_pool_clear(review->batch_pool);
    review->batch = apr_array_make(review->batch_pool, OCI_GC_BATCH,
                                   sizeof(const char *));
}

/* Note that a blob has to change; change all of them when there are many. */
static oci_error_t *note(review_t *review, const char *digest)
{
    oci_error_t *error;

    APR_ARRAY_PUSH(review->batch,
                   const char *) = apr_pstrdup(review->batch_pool, digest);
    if (review->batch->nelts < OCI_GC_BATCH) {
        return NULL;
    }
    if (!(error = change_batch(review))) {
        clear_batch(review);
    }
    return error;
}

/* A blob that a manifest names is not condemned, unless a run was killed: the
 * push of the manifest released it. */
static oci_error_t *visit_blob(oci_walk_t *walk, const char *digest,
                               const oci_value_t *value, apr_pool_t *pool)
{
    review_t *review = walk->baton;
    decision_e decision;
    oci_value_t held;
    oci_error_t *error;

    (void)value;
    walk->stop = oci_gc_is_stopped(review->gc);
    if (!oci_digest_valid(digest)) {
        return NULL;
    }
    if (review->gc->held) {
        oci_digest_filter_add(review->gc->held, digest);
    }
    if (oci_gc_named_has(review->named, digest) && !review->gc->repair) {
        return NULL;
    }
    error = oci_fact_get(&held, walk->registry,
                         oci_key_held(pool, review->repository.name, digest),
                         pool);
    if (error || !held.data) {
        return error;
    }
    decision = decide(review, digest, held.data);
    if (decision != KEEP && decision != WAIT && !review->gc->dry) {
        error = note(review, digest);
        walk->stop |= review->incomplete;
        return error;
    }
    count(review, decision);
    if (decision == COLLECT) {
        oci_gc_last_use_note(review->gc, digest);
    }
    return NULL;
}

/* Go through all blobs of the repository. */
static oci_error_t *review_blobs(review_t *review, apr_pool_t *pool)
{
    oci_walk_t walk = { .registry = review->repository.registry,
                        .prefix = oci_key_held(pool, review->repository.name,
                                               NULL),
                        .any_order = 1,
                        .visit = visit_blob,
                        .baton = review };
    oci_error_t *error = oci_walk(&walk, pool);

    oci_gc_progress(review->gc);
    return error || !review->batch->nelts || review->incomplete
        ? error
        : change_batch(review);
}

/* Take the repository out of the catalog if nothing is left in it. */
static oci_error_t *remove_if_empty(review_t *review, apr_pool_t *pool)
{
    oci_repository_t *repository = &review->repository;
    int before, after;
    oci_lock_t *lock;
    oci_error_t *error = oci_repository_exists(&before, repository, pool);

    if (error || !before) {
        return error;
    }
    error = oci_repository_lock(&lock, repository, OCI_LOCK_EXCLUSIVE, pool);
    if (error) {
        return error;
    }
    error = oci_repository_unregister_if_empty(repository, pool);
    if (!error && !(error = oci_repository_exists(&after, repository, pool))) {
        review->gc->report.emptied += !after;
    }
    oci_repository_unlock(repository, lock);
    return error;
}

/* Take the repository out of the queue before it is read, so that changes from
 * then on put it there again; or put it there for when the grace is over, or
 * for the next run if a lock was not free. */
static oci_error_t *set_queued(const review_t *review, int queued,
                               apr_pool_t *pool)
{
    const oci_registry_t *registry = review->repository.registry;
    apr_array_header_t *changes = oci_change_list_make(pool);
    const char *key = oci_key_review(pool, review->repository.name);
    const char *due;
    int exists;
    oci_error_t *error = oci_fact_exists(&exists, registry, key, pool);

    if (error || exists == queued) {
        return error;
    }
    if (queued) {
        due = apr_psprintf(pool, "%" APR_INT64_T_FMT,
                           apr_time_sec(apr_time_now())
                               + (review->locked ? 0 : review->gc->grace));
        oci_change_put(changes, OCI_CHANGE_ADD, key, due, strlen(due));
    }
    else {
        oci_change_delete(changes, key);
    }
    error = oci_facts_apply(registry, changes, 0, pool);
    return error && APR_STATUS_IS_EEXIST(error->status) ? NULL : error;
}

static oci_error_t *review_steps(review_t *review, apr_pool_t *pool)
{
    int dry = review->gc->dry;
    oci_error_t *error = oci_gc_tags(review->gc, &review->repository, pool);

    if (!error) {
        error = oci_gc_untagged(&review->waiting, review->gc,
                                &review->repository, pool);
    }
    if (!error) {
        error = read_manifests(review, pool);
    }
    if (!error && !review->incomplete) {
        error = review_blobs(review, pool);
    }
    if (!error && !review->incomplete && !dry
        && !oci_gc_named_any(review->named)) {
        error = remove_if_empty(review, pool);
    }
    return error;
}

static oci_error_t *review_all(review_t *review, apr_pool_t *pool)
{
    oci_error_t *error = NULL;
    oci_error_t *failed = NULL;
    int dry = review->gc->dry;

    if (!dry) {
        error = set_queued(review, 0, pool);
    }
    if (!error) {
        error = review_steps(review, pool);
    }
    review->locked = error && error->locked;
    if ((!error || review->locked) && !dry
        && (review->waiting || review->incomplete || review->locked)) {
        failed = set_queued(review, 1, pool);
    }
    return error ? error : failed;
}

oci_error_t *oci_gc_repository(oci_gc_t *gc, const char *name, apr_pool_t *pool)
{
    review_t review = { .gc = gc,
                        .repository = { gc->registry, name },
                        .pool = pool };
    apr_pool_t *page;
    apr_status_t rv = apr_pool_create(&page, pool);

    if (rv == APR_SUCCESS) {
        rv = apr_pool_create(&review.batch_pool, pool);
    }
    if (rv != APR_SUCCESS) {
        return oci_error_storage(pool, rv, "cannot review %s", name);
    }
    clear_batch(&review);
    review.named = oci_gc_named_make(gc, &review.repository, 0, pool);
    gc->report.repositories++;
    return review_all(&review, page);
}
