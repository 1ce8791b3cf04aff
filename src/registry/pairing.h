/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file pairing.h
 * @brief Checks that a blob store and an index belong together
 *
 * A blob store has an id, and the index that belongs to it records this id.  A
 * disk that is not mounted, or that belongs to another registry, is then
 * noticed before anything is written:
 *
 *     id in the index   id of the store   result
 *     yes               the same          served
 *     yes               another, or none  refused
 *     no                yes, or none      the store's id, which is created if
 *                                         necessary, is recorded in the index;
 *                                         but refused if the index lists blobs
 *                                         and the store, without an id, has
 *                                         none of them, or if the store, with
 *                                         an id, has blobs and the index lists
 *                                         none
 *
 * The store also names the one index that it belongs to (the provider's
 * function "owner"), because two indexes may record the same store: an index
 * and its copy.  The first index that serves the store becomes its owner, and a
 * copy of the owner that serves a request takes its place.  Any other index is
 * served as well, but garbage collection refuses to work with it; an empty one
 * is refused.
 *
 * A copy of a blob store has an id of its own until all blobs are there, which
 * says that it is unfinished: it is refused with any index.  Then it gets the
 * id of the original, so that the index accepts it in the original's place.  If
 * the two name their blobs in different ways, the copy keeps its own id, and
 * the index gets this id together with the new locators.  Meanwhile the index
 * has an id that says so, and is refused.
 */

#ifndef OCI_PAIRING_H
#define OCI_PAIRING_H

#include "registry/registry.h"

/**
 * Check the stores of a registry before a request uses them.  The index must
 * not be an unfinished copy, and must belong to the blob store.  Records the
 * store's id if the index has none, and makes the index the owner of the store
 * if that is possible.  A pair that passed is not checked again in this
 * process, and a blob store that did not answer is not asked again at once
 * (pairing_state.h).
 * @param changes Whether the request may change something.  If it cannot, and
 *        the blob store fails, the check passes this time
 * @param pool For temporary data
 * @return OCI_E_UNAVAILABLE if the pair is refused, with a note for the log; a
 *         storage error if a store fails
 */
oci_error_t *oci_pairing_check(const oci_registry_t *registry, int changes,
                               apr_pool_t *pool);

/**
 * Check the stores of a registry before the blob store is started.  Nothing is
 * changed.  An unfinished copy passes.
 * @param registry Only its stores are used; the index is already started
 * @param pool For temporary data
 * @return OCI_E_UNAVAILABLE if the pair is refused, with a note for the log
 */
oci_error_t *oci_pairing_precheck(const oci_registry_t *registry,
                                  apr_pool_t *pool);

/**
 * Find out whether the index can be read at present.
 * @param registry Only its index is used, which is started
 * @return An error of the index, with a note for the log
 */
oci_error_t *oci_pairing_try_index(const oci_registry_t *registry,
                                   apr_pool_t *pool);

/**
 * Check the stores of a registry before garbage is collected, or before a tool
 * works on them: as oci_pairing_check, at each call.  Moreover, the blob store
 * must belong to this index and to no other one.
 * @param claim Whether the store, if it belongs to no index yet, becomes this
 *        one's; if not, and the index has the store's id, nothing is changed
 * @param pool For temporary data
 * @return As oci_pairing_check for a request that changes something
 */
oci_error_t *oci_pairing_check_owner(const oci_registry_t *registry, int claim,
                                     apr_pool_t *pool);

#endif /* OCI_PAIRING_H */
