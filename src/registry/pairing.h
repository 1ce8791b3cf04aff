/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file pairing.h
 * @brief Whether a blob store and an index belong together
 *
 * A blob store has an id, and its index remembers it, so that a disk that is
 * not mounted, or another registry's, is noticed before anything is written:
 *
 *     the index knows   the store has
 *     an id             the same        served
 *     an id             another, none   refused
 *     none              an id, or none  the store's id, which is made if need
 *                                       be, is entered; but refused where
 *                                       the index knows blobs and the store
 *                                       has none of them
 */

#ifndef OCI_PAIRING_H
#define OCI_PAIRING_H

#include "registry/registry.h"

/**
 * Refuse a registry whose index is an unfinished copy, or that of another
 * blob store, for as long as it is.  Enters the store's id where the index
 * knows none.
 * @return OCI_E_UNAVAILABLE, with a note for the log
 */
oci_error_t *oci_pairing_check(const oci_registry_t *registry,
                               apr_pool_t *pool);

/**
 * Refuse a pair before the blob store is started; nothing is changed.
 * @param registry Its stores alone matter; the index was started
 * @return OCI_E_UNAVAILABLE, with a note for the log
 */
oci_error_t *oci_pairing_precheck(const oci_registry_t *registry,
                                  apr_pool_t *pool);

#endif /* OCI_PAIRING_H */
