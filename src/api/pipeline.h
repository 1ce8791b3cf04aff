/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file pipeline.h
 * @brief Work in steps that two threads can take turns at
 *
 * A turn is some steps one after the other, by one thread.  Each step is
 * done by one thread at a time, and for the turns in their order: so it needs
 * no locks for what it alone uses.  While one thread is at a later step, the
 * other one begins the next turn.
 *
 * The second thread takes a turn only after one of the first: where it finds
 * nothing to do, it need not wait for that itself.
 */

#ifndef OCI_PIPELINE_H
#define OCI_PIPELINE_H

#include "apr_pools.h"

#define OCI_PIPELINE_STEPS 3

typedef struct oci_pipeline_t oci_pipeline_t;

/**
 * A step.
 * @param turn What the thread that takes the turn has for its own
 * @return Of the first step: whether this is the last turn.  Once it was, it
 *         is so for ever
 */
typedef int oci_pipeline_step_t(void *turn);

/**
 * Turns for one thread, at first.
 * @param steps OCI_PIPELINE_STEPS of them; they stay
 * @param pool The first step alone may use it once there are two threads
 */
oci_pipeline_t *oci_pipeline_make(oci_pipeline_step_t *const *steps,
                                  apr_pool_t *pool);

/**
 * Take a turn, as the first thread.
 * @return Whether it was the last
 */
int oci_pipeline_turn(oci_pipeline_t *turns, void *turn);

/**
 * Start a second thread, between two turns of the first, which takes turns
 * until the last one.
 * @param turn The second thread's own
 * @return What the system said, where there can be no thread
 */
apr_status_t oci_pipeline_share(oci_pipeline_t *turns, void *turn);

/** After the last turn, wait until the second thread's is over, too. */
void oci_pipeline_end(oci_pipeline_t *turns);

#endif /* OCI_PIPELINE_H */
