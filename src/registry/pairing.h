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
oci_error_t *oci_registry_check(const oci_registry_t *registry,
                                apr_pool_t *pool);

/**
 * Refuse a pair before the blob store is started; nothing is changed.
 * @param registry Its stores alone matter; the index was started
 * @return OCI_E_UNAVAILABLE, with a note for the log
 */
oci_error_t *oci_pairing_foresee(const oci_registry_t *registry,
                                 apr_pool_t *pool);

#endif /* OCI_PAIRING_H */
