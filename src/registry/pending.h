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
 * A deletion writes something for this only if there are marks.  It also
 * removes the marks that killed processes left.
 */

#ifndef OCI_PENDING_H
#define OCI_PENDING_H

#include "registry/registry.h"

/**
 * Mark a push as pending before its children are checked.  Takes the
 * repository's shared lock meanwhile.
 * @param mark Set to the mark's key.  No deletion has taken place as long as
 *        this key exists.  Remove it with oci_change_delete.
 * @param pool For the result and temporary data
 * @return A storage error
 */
oci_error_t *oci_pending_mark(const char **mark,
                              const oci_repository_t *repository,
                              apr_pool_t *pool);

/**
 * Add changes that remove the marks of all pending pushes, so that these pushes
 * check their children again.  A deletion calls this under the repository's
 * exclusive lock, before it adds any other change.
 * @param changes The list to add to
 * @param pool For the changes and temporary data
 * @return A storage error
 */
oci_error_t *oci_pending_cancel(apr_array_header_t *changes,
                                const oci_repository_t *repository,
                                apr_pool_t *pool);

#endif /* OCI_PENDING_H */
