/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file as_owner.h
 * @brief A wrapper that calls an index with the rights of the index's owner
 */

#ifndef OCI_AS_OWNER_H
#define OCI_AS_OWNER_H

#include "mod_oci.h"
#include "store/owner.h"

/**
 * Wrap an index so that each call to it runs as its owner if the process is
 * root's.  For any other user a call runs as that user.
 * @param index The index to wrap; it must live as long as the result
 * @param owner The user and group to run as; copied
 * @param pool Where the result is allocated
 * @return The wrapper.  Its start returns a sentence, its other functions the
 *         system's error, if the process cannot become the owner.
 */
oci_index_t *oci_index_as_owner(oci_index_t *index, const oci_owner_t *owner,
                                apr_pool_t *pool);

#endif /* OCI_AS_OWNER_H */
