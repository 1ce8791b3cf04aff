/* SPDX-License-Identifier: Apache-2.0 */

/* Steps that two threads share. */

#include <stdlib.h>

#include "apr_atomic.h"
#include "apr_general.h"

#include "api/pipeline.h"
#include "tap.h"

#define TURNS 20000

/* Work whose steps do what can be seen to be in order, and alone. */
typedef struct work_t {
    int begun;                    /* of the first step alone */
    int next[OCI_PIPELINE_STEPS]; /* the number that a step expects */
    int disorder[OCI_PIPELINE_STEPS];
    apr_uint32_t busy[OCI_PIPELINE_STEPS];
} work_t;

typedef struct turn_t {
    work_t *work;
    int number; /* TURNS once there are no more */
} turn_t;

static void check(turn_t *turn, int step)
{
    work_t *work = turn->work;

    if (apr_atomic_inc32(&work->busy[step])) {
        work->disorder[step]++;
    }
    if (turn->number < TURNS && work->next[step]++ != turn->number) {
        work->disorder[step]++;
    }
    apr_atomic_dec32(&work->busy[step]);
}

static int first(void *data)
{
    turn_t *turn = data;

    turn->number = turn->work->begun;
    turn->work->begun += turn->number < TURNS;
    check(turn, 0);
    return turn->work->begun == TURNS;
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

/* All turns, by two threads from one of them on; 0 for never. */
static void run(tap_t *tap, int shared_from, const char *name,
                apr_pool_t *parent)
{
    static oci_pipeline_step_t *const steps[] = { first, second, third };
    work_t work = { 0 };
    turn_t mine = { &work, 0 }, other = { &work, 0 };
    apr_pool_t *pool;
    oci_pipeline_t *turns;
    int count = 0, i;

    apr_pool_create(&pool, parent);
    turns = oci_pipeline_make(steps, pool);
    while (!oci_pipeline_turn(turns, &mine)) {
        if (++count == shared_from
            && oci_pipeline_share(turns, &other) != APR_SUCCESS) {
            printf("# no thread\n");
        }
    }
    oci_pipeline_end(turns);
    for (i = 0; i < OCI_PIPELINE_STEPS; i++) {
        tap_ok(tap, work.next[i] == TURNS && !work.disorder[i],
               "%s: step %d is done for all turns in order", name, i + 1);
    }
    apr_pool_destroy(pool);
}

int main(void)
{
    apr_pool_t *pool;
    tap_t tap = { 0, 0 };

    apr_initialize();
    atexit(apr_terminate);
    apr_pool_create(&pool, NULL);
    run(&tap, 0, "one thread", pool);
    run(&tap, 1, "two threads", pool);
    run(&tap, TURNS - 2, "a late second thread", pool);
    return tap_done(&tap);
}
