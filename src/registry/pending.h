/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file pending.h
 * @brief Pushes whose children are checked before the repository is locked
 *
 *     push                              deletion
 *
 *     shared lock: mark the push        exclusive lock: remove all marks,
 *     check the children, unlocked        then delete
 *     shared lock: is the mark there?
 *       yes: nothing was deleted since
 *       no: check again
 *
 * A deletion writes nothing for this unless a push is pending, and a mark
 * that a killed process left goes with it.
 */

#ifndef OCI_PENDING_H
#define OCI_PENDING_H

#include "registry/registry.h"

/**
 * Mark a push, before its children are checked.
 * @param mark Set to the mark's key: while that is there, no deletion has
 *        taken place.  oci_change_delete removes it.
 * @return OCI_E_INTERNAL, OCI_E_STORAGE_FULL
 */
oci_error_t *oci_pending_mark(const char **mark,
                              const oci_repository_t *repository,
                              apr_pool_t *pool);

/**
 * Add to the changes of a deletion, before all others, what tells pending
 * pushes of it; under the repository's exclusive lock.
 * @return OCI_E_INTERNAL
 */
oci_error_t *oci_pending_cancel(apr_array_header_t *changes,
                                const oci_repository_t *repository,
                                apr_pool_t *pool);

#endif /* OCI_PENDING_H */
