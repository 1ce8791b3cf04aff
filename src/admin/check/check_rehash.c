/* SPDX-License-Identifier: Apache-2.0 */

/* Reads the bytes of many blobs, in one thread for each processor.  The threads
 * use only the blob store.  Each of a fixed number of jobs is free, waits for a
 * thread, is being read, or is done and waits for the caller. */

#include <string.h>
#include <unistd.h>

#include "apr_strings.h"
#include "apr_thread_cond.h"
#include "apr_thread_mutex.h"
#include "apr_thread_proc.h"

#include "admin/check/check_content.h"
#include "admin/check/check_rehash.h"

#define JOBS        64
#define MAX_THREADS 32

/* A digest or a locator, with its NUL. */
#define NAME_SIZE 513

typedef enum { JOB_FREE, JOB_WAITS, JOB_READ, JOB_DONE } job_e;

typedef struct rehash_job_t {
    job_e state;
    char digest[NAME_SIZE];
    char locator[NAME_SIZE];
    oci_hashed_t hashed;
    apr_status_t status;
} rehash_job_t;

struct oci_rehash_t {
    oci_check_t *check;
    oci_rehash_done_t *done;
    oci_blob_store_t *store;
    rehash_job_t jobs[JOBS];
    int ended; /* whether no more jobs come */
    int count; /* of threads */
    apr_thread_t *threads[MAX_THREADS];
    apr_thread_mutex_t *mutex;    /* for jobs and ended */
    apr_thread_cond_t *work;      /* a job waits, or there will be none */
    apr_thread_cond_t *completed; /* a job is done */
    apr_pool_t *pool;             /* for temporary data of the caller */
};

/* Find a job in this state, or NULL.  The caller holds the mutex. */
static rehash_job_t *find_job(oci_rehash_t *rehash, job_e state)
{
    int i;

    for (i = 0; i < JOBS; i++) {
        if (rehash->jobs[i].state == state) {
            return &rehash->jobs[i];
        }
    }
    return NULL;
}

/* Take a job; NULL if there will be none. */
static rehash_job_t *take_job(oci_rehash_t *rehash)
{
    rehash_job_t *job;

    apr_thread_mutex_lock(rehash->mutex);
    while (!(job = find_job(rehash, JOB_WAITS)) && !rehash->ended) {
        apr_thread_cond_wait(rehash->work, rehash->mutex);
    }
    if (job) {
        job->state = JOB_READ;
    }
    apr_thread_mutex_unlock(rehash->mutex);
    return job;
}

static void *APR_THREAD_FUNC work(apr_thread_t *thread, void *data)
{
    oci_rehash_t *rehash = data;
    apr_allocator_t *allocator = NULL;
    apr_pool_t *pool = NULL;
    rehash_job_t *job;

    (void)thread;
    if (apr_allocator_create(&allocator) == APR_SUCCESS) {
        apr_pool_create_ex(&pool, NULL, NULL, allocator);
    }
    while ((job = take_job(rehash))) {
        job->status = APR_ENOMEM;
        if (pool) {
            job->status = oci_check_hash(&job->hashed, rehash->store,
                                         job->digest, job->locator, pool);
            apr_pool_clear(pool);
        }
        apr_thread_mutex_lock(rehash->mutex);
        job->state = JOB_DONE;
        apr_thread_cond_signal(rehash->completed);
        apr_thread_mutex_unlock(rehash->mutex);
    }
    if (pool) {
        apr_pool_destroy(pool);
    }
    if (allocator) {
        apr_allocator_destroy(allocator);
    }
    return NULL;
}

/* End the threads after the jobs that they are doing.  Jobs that still wait are
 * given up: there are none unless the run has failed. */
static apr_status_t stop(void *data)
{
    oci_rehash_t *rehash = data;
    rehash_job_t *job;
    apr_status_t rv;
    int i;

    apr_thread_mutex_lock(rehash->mutex);
    rehash->ended = 1;
    while ((job = find_job(rehash, JOB_WAITS))) {
        job->state = JOB_FREE;
    }
    apr_thread_cond_broadcast(rehash->work);
    apr_thread_mutex_unlock(rehash->mutex);
    for (i = 0; i < rehash->count; i++) {
        apr_thread_join(&rv, rehash->threads[i]);
    }
    rehash->count = 0;
    return APR_SUCCESS;
}

static int number_of_threads(void)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);

    return processors < 1          ? 1
        : processors > MAX_THREADS ? MAX_THREADS
                                   : (int)processors;
}

oci_error_t *oci_rehash_start(oci_rehash_t **result, oci_check_t *check,
                              oci_rehash_done_t *done, apr_pool_t *pool)
{
    oci_rehash_t *rehash = apr_pcalloc(pool, sizeof(*rehash));
    int wanted = number_of_threads();
    apr_status_t rv;

    rehash->check = check;
    rehash->done = done;
    rehash->store = check->registry->blobs;
    apr_pool_create(&rehash->pool, pool);
    rv = apr_thread_mutex_create(&rehash->mutex, APR_THREAD_MUTEX_DEFAULT,
                                 pool);
    if (rv == APR_SUCCESS) {
        rv = apr_thread_cond_create(&rehash->work, pool);
    }
    if (rv == APR_SUCCESS) {
        rv = apr_thread_cond_create(&rehash->completed, pool);
    }
    while (rv == APR_SUCCESS && rehash->count < wanted) {
        rv = apr_thread_create(&rehash->threads[rehash->count], NULL, work,
                               rehash, pool);
        rehash->count += rv == APR_SUCCESS;
    }
    if (!rehash->count) {
        return oci_error_storage(pool, rv, "cannot start a thread");
    }
    apr_pool_pre_cleanup_register(pool, rehash, stop);
    *result = rehash;
    return NULL;
}

/* Whether a job is not finished. */
static int is_busy(oci_rehash_t *rehash)
{
    return find_job(rehash, JOB_WAITS) || find_job(rehash, JOB_READ);
}

/* Hand over the jobs that are done.  Wait for one if that is necessary for a
 * free job, or, at the end, for all. */
static oci_error_t *collect(oci_rehash_t *rehash, int all)
{
    oci_error_t *error;
    rehash_job_t *job;

    for (;;) {
        apr_thread_mutex_lock(rehash->mutex);
        while (!(job = find_job(rehash, JOB_DONE))
               && (all ? is_busy(rehash) : !find_job(rehash, JOB_FREE))) {
            apr_thread_cond_wait(rehash->completed, rehash->mutex);
        }
        apr_thread_mutex_unlock(rehash->mutex);
        if (!job) {
            return NULL;
        }
        error = rehash->done(rehash->check, job->digest, &job->hashed,
                             job->status, rehash->pool);
        apr_thread_mutex_lock(rehash->mutex);
        job->state = JOB_FREE;
        apr_thread_mutex_unlock(rehash->mutex);
        if (error) {
            return error;
        }
        apr_pool_clear(rehash->pool);
    }
}

oci_error_t *oci_rehash_add(oci_rehash_t *rehash, const char *digest,
                            const char *locator)
{
    oci_error_t *error = collect(rehash, 0);
    rehash_job_t *job;

    if (error) {
        return error;
    }
    apr_thread_mutex_lock(rehash->mutex);
    job = find_job(rehash, JOB_FREE);
    memset(job, 0, sizeof(*job));
    apr_cpystrn(job->digest, digest, sizeof(job->digest));
    apr_cpystrn(job->locator, locator, sizeof(job->locator));
    job->state = JOB_WAITS;
    apr_thread_cond_signal(rehash->work);
    apr_thread_mutex_unlock(rehash->mutex);
    return NULL;
}

oci_error_t *oci_rehash_end(oci_rehash_t *rehash)
{
    oci_error_t *error = collect(rehash, 1);

    stop(rehash);
    return error;
}
