/* SPDX-License-Identifier: Apache-2.0 */

/* Work in steps that two threads can take turns at. */

#include "apr_signal.h"
#include "apr_thread_cond.h"
#include "apr_thread_mutex.h"
#include "apr_thread_proc.h"

#include "api/pipeline.h"

struct oci_pipeline_t {
    oci_pipeline_step_t *const *steps;
    apr_pool_t *pool;
    apr_thread_mutex_t *mutexes[OCI_PIPELINE_STEPS]; /* NULL for one thread */
    apr_thread_cond_t *offer; /* of a turn to the second thread */
    int offered;              /* guarded by the first mutex */
    apr_thread_t *thread;     /* the second one, or NULL */
    void *turn;               /* its own */
};

oci_pipeline_t *oci_pipeline_make(oci_pipeline_step_t *const *steps,
                                  apr_pool_t *pool)
{
    oci_pipeline_t *turns = apr_pcalloc(pool, sizeof(*turns));

    turns->steps = steps;
    turns->pool = pool;
    return turns;
}

static void enter(const oci_pipeline_t *turns, int step)
{
    if (turns->mutexes[step]) {
        apr_thread_mutex_lock(turns->mutexes[step]);
    }
}

static void leave(const oci_pipeline_t *turns, int step)
{
    if (turns->mutexes[step]) {
        apr_thread_mutex_unlock(turns->mutexes[step]);
    }
}

/* Wait until it is the second thread's turn. */
static void accept_offer(oci_pipeline_t *turns)
{
    while (!turns->offered) {
        apr_thread_cond_wait(turns->offer, turns->mutexes[0]);
    }
    turns->offered = 0;
}

static void make_offer(oci_pipeline_t *turns)
{
    if (turns->offer) {
        turns->offered = 1;
        apr_thread_cond_signal(turns->offer);
    }
}

/* The other steps of a turn.  Who is at a step keeps it until the next one is
 * his: nobody overtakes. */
static void go_on(oci_pipeline_t *turns, void *turn)
{
    int i;

    for (i = 1; i < OCI_PIPELINE_STEPS; i++) {
        enter(turns, i);
        leave(turns, i - 1);
        turns->steps[i](turn);
    }
    leave(turns, i - 1);
}

int oci_pipeline_turn(oci_pipeline_t *turns, void *turn)
{
    int last;

    enter(turns, 0);
    last = turns->steps[0](turn);
    make_offer(turns);
    go_on(turns, turn);
    return last;
}

static void *APR_THREAD_FUNC help(apr_thread_t *thread, void *data)
{
    oci_pipeline_t *turns = data;
    int last = 0;

    /* signals are for httpd's own threads */
    apr_setup_signal_thread();
    while (!last) {
        enter(turns, 0);
        accept_offer(turns);
        last = turns->steps[0](turns->turn);
        go_on(turns, turns->turn);
    }
    apr_thread_exit(thread, APR_SUCCESS);
    return NULL;
}

apr_status_t oci_pipeline_share(oci_pipeline_t *turns, void *turn)
{
    apr_status_t rv = apr_thread_cond_create(&turns->offer, turns->pool);
    int i;

    for (i = 0; i < OCI_PIPELINE_STEPS && rv == APR_SUCCESS; i++) {
        rv = apr_thread_mutex_create(&turns->mutexes[i],
                                     APR_THREAD_MUTEX_DEFAULT, turns->pool);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    turns->turn = turn;
    rv = apr_thread_create(&turns->thread, NULL, help, turns, turns->pool);
    if (rv != APR_SUCCESS) {
        turns->thread = NULL;
    }
    return rv;
}

void oci_pipeline_end(oci_pipeline_t *turns)
{
    apr_status_t rv;

    if (turns->thread) {
        apr_thread_join(&rv, turns->thread);
        turns->thread = NULL;
    }
}
