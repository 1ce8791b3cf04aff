/* SPDX-License-Identifier: Apache-2.0 */

/* What the steps of a garbage collection have in common. */

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "apr_time.h"

#include "gc/gc_step.h"
#include "registry/pairing.h"

/* How long a run works before it may rest, and how long a gentle run rests. */
#define WORK apr_time_from_msec(20)

/* How much longer than it works a run rests if others need the processor: then
 * it had to wait for the processor for a quarter of the time that it used. */
#define BUSY        4
#define WAITED_PART 4

/* Where Linux says for how many nanoseconds the calling thread has used a
 * processor and waited for one; a space is between the two. */
#define USAGE "/proc/thread-self/schedstat"

/* The longest rest. */
#define REST_MAX apr_time_from_sec(1)

/* How far in the future a time may be, in seconds: the clocks of several
 * machines differ. */
#define AHEAD 60

/* Take note of the times of the thread, where they are known. */
static void read_usage(oci_gc_t *gc)
{
    char text[64];
    char *end;
    int fd = open(USAGE, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd == -1 ? -1 : read(fd, text, sizeof(text) - 1);

    if (fd != -1) {
        close(fd);
    }
    if (size > 0) {
        text[size] = '\0';
        gc->used = strtoll(text, &end, 10) / 1000;
        gc->waited = strtoll(end, NULL, 10) / 1000;
    }
}

/* Rest, so that the requests beside the run have a processor.  A lower priority
 * would be worse: whatever the run does under a lock would take longer. */
static void rest(oci_gc_t *gc)
{
    apr_time_t used = gc->used;
    apr_time_t waited = gc->waited;
    apr_time_t pause = 0;

    if (gc->rested && apr_time_now() - gc->rested < WORK) {
        return;
    }
    read_usage(gc);
    used = gc->used - used;
    if (gc->waited - waited > used / WAITED_PART) {
        pause = used * BUSY;
    }
    if (gc->gentle && pause < WORK) {
        pause = WORK;
    }
    if (gc->rested && pause > 0) {
        apr_sleep(pause < REST_MAX ? pause : REST_MAX);
    }
    gc->rested = apr_time_now();
}

int oci_gc_is_stopped(oci_gc_t *gc)
{
    rest(gc);
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
