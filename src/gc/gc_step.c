/* SPDX-License-Identifier: Apache-2.0 */

/* What the steps of a garbage collection have in common. */

#include "apr_time.h"

#include "gc/gc_step.h"

/* How long a gentle run works before it rests for the same time. */
#define WORK apr_time_from_msec(20)

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

oci_error_t *oci_gc_skip(oci_gc_t *gc, oci_error_t *error)
{
    if (!error || error->code == OCI_E_UNAVAILABLE) {
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

int oci_gc_is_past(apr_int64_t time, int seconds)
{
    return time + seconds <= apr_time_sec(apr_time_now());
}
