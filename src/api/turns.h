/* Licensed under the Apache License, Version 2.0 (the "License"); you may
 * not use this file except in compliance with the License.  You may obtain
 * a copy of the License at http://www.apache.org/licenses/LICENSE-2.0
 *
 * Unless required by applicable law or agreed to in writing, software
 * distributed under the License is distributed on an "AS IS" BASIS,
 * WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
 * See the License for the specific language governing permissions and
 * limitations under the License.
 */

/**
 * @file turns.h
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

#ifndef OCI_TURNS_H
#define OCI_TURNS_H

#include "apr_pools.h"

#define OCI_TURN_STEPS 3

typedef struct oci_turns_t oci_turns_t;

/**
 * A step.
 * @param turn What the thread that takes the turn has for its own
 * @return Of the first step: whether this is the last turn.  Once it was, it
 *         is so for ever
 */
typedef int oci_step_t(void *turn);

/**
 * Turns for one thread, at first.
 * @param steps OCI_TURN_STEPS of them; they stay
 * @param pool The first step alone may use it once there are two threads
 */
oci_turns_t *oci_turns_make(oci_step_t *const *steps, apr_pool_t *pool);

/**
 * Take a turn, as the first thread.
 * @return Whether it was the last
 */
int oci_turns_take(oci_turns_t *turns, void *turn);

/**
 * Start a second thread, between two turns of the first, which takes turns
 * until the last one.
 * @param turn The second thread's own
 * @return What the system said, where there can be no thread
 */
apr_status_t oci_turns_share(oci_turns_t *turns, void *turn);

/** After the last turn, wait until the second thread's is over, too. */
void oci_turns_end(oci_turns_t *turns);

#endif /* OCI_TURNS_H */
