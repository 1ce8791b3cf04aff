/* SPDX-License-Identifier: Apache-2.0 */

/* A pipeline of three stages, run by one thread or by two. */

#include "apr_signal.h"
#include "apr_thread_cond.h"
#include "apr_thread_mutex.h"
#include "apr_thread_proc.h"

#include "api/pipeline.h"

struct oci_pipeline_t {
    oci_pipeline_stage_t *const *stages;
    apr_pool_t *pool;
    apr_thread_mutex_t *mutexes[OCI_PIPELINE_STAGES]; /* NULL for one thread */
    apr_thread_cond_t *offer; /* signals that offered was set */
    int offered;              /* the second thread may begin a batch; guarded
                               * by the first mutex */
    apr_thread_t *thread;     /* the second thread, or NULL */
    void *batch;              /* the second thread's */
};

oci_pipeline_t *oci_pipeline_make(oci_pipeline_stage_t *const *stages,
                                  apr_pool_t *pool)
{
    oci_pipeline_t *pipeline = apr_pcalloc(pool, sizeof(*pipeline));

    pipeline->stages = stages;
    pipeline->pool = pool;
    return pipeline;
}

static void enter_stage(const oci_pipeline_t *pipeline, int stage)
{
    if (pipeline->mutexes[stage]) {
        apr_thread_mutex_lock(pipeline->mutexes[stage]);
    }
}

static void leave_stage(const oci_pipeline_t *pipeline, int stage)
{
    if (pipeline->mutexes[stage]) {
        apr_thread_mutex_unlock(pipeline->mutexes[stage]);
    }
}

/* Wait until the second thread may begin a batch. */
static void wait_for_offer(oci_pipeline_t *pipeline)
{
    while (!pipeline->offered) {
        apr_thread_cond_wait(pipeline->offer, pipeline->mutexes[0]);
    }
    pipeline->offered = 0;
}

static void offer_next_batch(oci_pipeline_t *pipeline)
{
    if (pipeline->offer) {
        pipeline->offered = 1;
        apr_thread_cond_signal(pipeline->offer);
    }
}

/* Run the stages after the first.  A thread leaves a stage only after it has
 * entered the next one, so that no batch can overtake another. */
static void run_later_stages(oci_pipeline_t *pipeline, void *batch)
{
    int i;

    for (i = 1; i < OCI_PIPELINE_STAGES; i++) {
        enter_stage(pipeline, i);
        leave_stage(pipeline, i - 1);
        pipeline->stages[i](batch);
    }
    leave_stage(pipeline, i - 1);
}

int oci_pipeline_run_batch(oci_pipeline_t *pipeline, void *batch)
{
    int last;

    enter_stage(pipeline, 0);
    last = pipeline->stages[0](batch);
    offer_next_batch(pipeline);
    run_later_stages(pipeline, batch);
    return last;
}

static void *APR_THREAD_FUNC run_second_thread(apr_thread_t *thread, void *data)
{
    oci_pipeline_t *pipeline = data;
    int last = 0;

    /* signals must go to httpd's own threads */
    apr_setup_signal_thread();
    while (!last) {
        enter_stage(pipeline, 0);
        wait_for_offer(pipeline);
        last = pipeline->stages[0](pipeline->batch);
        run_later_stages(pipeline, pipeline->batch);
    }
    apr_thread_exit(thread, APR_SUCCESS);
    return NULL;
}

apr_status_t oci_pipeline_add_thread(oci_pipeline_t *pipeline, void *batch)
{
    apr_status_t rv = apr_thread_cond_create(&pipeline->offer, pipeline->pool);
    int i;

    for (i = 0; i < OCI_PIPELINE_STAGES && rv == APR_SUCCESS; i++) {
        rv = apr_thread_mutex_create(&pipeline->mutexes[i],
                                     APR_THREAD_MUTEX_DEFAULT, pipeline->pool);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    pipeline->batch = batch;
    rv = apr_thread_create(&pipeline->thread, NULL, run_second_thread, pipeline,
                           pipeline->pool);
    if (rv != APR_SUCCESS) {
        pipeline->thread = NULL;
    }
    return rv;
}

void oci_pipeline_drain(const oci_pipeline_t *pipeline)
{
    int i;

    /* no batch can begin, because the caller is in the first stage */
    for (i = 1; i < OCI_PIPELINE_STAGES; i++) {
        enter_stage(pipeline, i);
        leave_stage(pipeline, i);
    }
}

void oci_pipeline_end(oci_pipeline_t *pipeline)
{
    apr_status_t rv;

    if (pipeline->thread) {
        apr_thread_join(&rv, pipeline->thread);
        pipeline->thread = NULL;
    }
}
