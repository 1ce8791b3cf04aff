/* SPDX-License-Identifier: Apache-2.0 */

/* The pipeline: each stage sees all batches in order, one at a time. */

#include "apr_atomic.h"

#include "api/pipeline.h"
#include "start_pool.h"
#include "tap.h"

#define BATCHES 20000

/* Stages that count each batch that is out of order or not alone. */
typedef struct work_t {
    int begun;                     /* used by the first stage only */
    int next[OCI_PIPELINE_STAGES]; /* the batch that a stage expects next */
    int disorder[OCI_PIPELINE_STAGES];
    apr_uint32_t busy[OCI_PIPELINE_STAGES];
} work_t;

typedef struct batch_t {
    work_t *work;
    int number; /* BATCHES after the last one */
} batch_t;

static void check(batch_t *batch, int stage)
{
    work_t *work = batch->work;

    if (apr_atomic_inc32(&work->busy[stage])) {
        work->disorder[stage]++;
    }
    if (batch->number < BATCHES && work->next[stage]++ != batch->number) {
        work->disorder[stage]++;
    }
    apr_atomic_dec32(&work->busy[stage]);
}

static int first(void *data)
{
    batch_t *batch = data;

    batch->number = batch->work->begun;
    batch->work->begun += batch->number < BATCHES;
    check(batch, 0);
    return batch->work->begun == BATCHES;
}

static int second(void *data)
{
    check(data, 1);
    return 0;
}

static int third(void *data)
{
    check(data, 2);
    return 0;
}

/* Run all batches; shared_from is the batch that starts a second thread, 0 for
 * none. */
static void run(tap_t *tap, int shared_from, const char *name,
                apr_pool_t *parent)
{
    static oci_pipeline_stage_t *const stages[] = { first, second, third };
    work_t work = { 0 };
    batch_t mine = { &work, 0 }, other = { &work, 0 };
    apr_pool_t *pool;
    oci_pipeline_t *pipeline;
    int count = 0, i;

    apr_pool_create(&pool, parent);
    pipeline = oci_pipeline_make(stages, pool);
    while (!oci_pipeline_run_batch(pipeline, &mine)) {
        if (++count == shared_from
            && oci_pipeline_add_thread(pipeline, &other) != APR_SUCCESS) {
            printf("# no thread\n");
        }
    }
    oci_pipeline_end(pipeline);
    for (i = 0; i < OCI_PIPELINE_STAGES; i++) {
        tap_ok(tap, work.next[i] == BATCHES && !work.disorder[i],
               "%s: stage %d sees all batches in order", name, i + 1);
    }
    apr_pool_destroy(pool);
}

int main(void)
{
    apr_pool_t *pool = start_pool();
    tap_t tap = { 0, 0 };

    run(&tap, 0, "one thread", pool);
    run(&tap, 1, "two threads", pool);
    run(&tap, BATCHES - 2, "a late second thread", pool);
    return tap_done(&tap);
}
