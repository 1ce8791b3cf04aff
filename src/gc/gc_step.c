/* SPDX-License-Identifier: Apache-2.0 */

/* What the steps of a garbage collection have in common. */

#include "apr_time.h"

#include "gc/gc_step.h"
#include "registry/pairing.h"

/* How long a gentle run works before it rests for the same time. */
#define WORK apr_time_from_msec(20)

/* How far in the future a time may be, in seconds: the clocks of several
 * machines differ. */
#define AHEAD 60

static void rest(oci_gc_t *gc)
{
    apr_time_t now = apr_time_now();

    if (now - gc->rested > WORK) {
        apr_sleep(WORK);
        gc->rested = now + WORK;
    }
}

int oci_gc_is_stopped(oci_gc_t *gc)
{
    if (gc->gentle) {
        rest(gc);
    }
    return gc->is_stopped && gc->is_stopped(gc->baton);
}

/* Whether the index answers, so that only one lock could not be had. */
static int answers(const oci_gc_t *gc)
{
    apr_pool_t *pool;
    int answered;

    if (apr_pool_create(&pool, NULL) != APR_SUCCESS) {
        return 0;
    }
    answered = !oci_pairing_try_index(gc->registry, pool);
    apr_pool_destroy(pool);
    return answered;
}

oci_error_t *oci_gc_skip(oci_gc_t *gc, oci_error_t *error)
{
    if (!error
        || (error->code == OCI_E_UNAVAILABLE
            && (!error->locked || !answers(gc)))) {
        return error;
    }
    gc->report.skipped++;
    gc->report_error(gc->baton, error);
    return NULL;
}

void oci_gc_progress(oci_gc_t *gc)
{
    if (gc->report_progress) {
        gc->report_progress(gc->baton, &gc->report);
    }
}

apr_int64_t oci_gc_time(apr_int64_t time)
{
    return time > apr_time_sec(apr_time_now()) + AHEAD ? 0 : time;
}

int oci_gc_is_past(apr_int64_t time, int seconds)
{
    return time + seconds <= apr_time_sec(apr_time_now());
}
