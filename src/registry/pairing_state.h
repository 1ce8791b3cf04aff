/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file pairing_state.h
 * @brief What a process knows of an index and its blob store
 *
 * A pair that was accepted is not checked again.  A blob store that did not
 * answer is not asked again for a while: each request would wait for it, and
 * hold a thread meanwhile.  Then one request asks it.
 */

#ifndef OCI_PAIRING_STATE_H
#define OCI_PAIRING_STATE_H

#include "registry/registry.h"

/** Return 1 if this process has accepted the stores of a registry. */
int oci_pairing_is_accepted(const oci_registry_t *registry);

/** Remember that the stores of a registry belong together. */
void oci_pairing_accept(const oci_registry_t *registry);

/**
 * Find out whether to ask the blob store.
 * @param changes Whether for a request that changes something: then it is asked
 *        again sooner, because the request is not served without an answer
 * @param pool For the error
 * @return NULL if this caller is to ask; OCI_E_UNAVAILABLE, with a note for the
 *         log, if the store did not answer just now
 */
oci_error_t *oci_pairing_silence(const oci_registry_t *registry, int changes,
                                 apr_pool_t *pool);

/**
 * Remember whether the blob store has answered.
 * @param status Of the call
 */
void oci_pairing_note_answer(const oci_registry_t *registry,
                             apr_status_t status);

#endif /* OCI_PAIRING_STATE_H */
