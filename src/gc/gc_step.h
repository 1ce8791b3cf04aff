/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file gc_step.h
 * @brief What the steps of a garbage collection have in common
 */

#ifndef OCI_GC_STEP_H
#define OCI_GC_STEP_H

#include "gc/gc.h"

/** How many facts to read, and at most how many to change, at a time.  Requests
 * wait while facts are changed, so this must not take long. */
#define OCI_GC_BATCH 256

/** Return whether the run is to stop.  It may rest here, so the caller holds no
 * lock but the run's. */
int oci_gc_is_stopped(oci_gc_t *gc);

/**
 * Report that something could not be handled, so that the run goes on without
 * it.
 * @param error NULL does nothing
 * @return NULL; the error itself if storage does not answer: the run then ends.
 *         A lock that is not free is skipped
 */
oci_error_t *oci_gc_skip(oci_gc_t *gc, oci_error_t *error);

/** Report progress. */
void oci_gc_progress(oci_gc_t *gc);

/** Return a time that was stored, 0 if it lies in the future: then a clock was
 * wrong, and it counts as absent. */
apr_int64_t oci_gc_time(apr_int64_t time);

/** Return whether a time lies so many seconds or more in the past. */
int oci_gc_is_past(apr_int64_t time, int seconds);

#endif /* OCI_GC_STEP_H */
