/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file as_owner.h
 * @brief An index that is used with the rights of its owner
 */

#ifndef OCI_AS_OWNER_H
#define OCI_AS_OWNER_H

#include "mod_oci.h"
#include "store/owner.h"

/**
 * Wrap an index: where root calls it, each call runs as its owner.
 * @param index What is wrapped
 * @param pool Of the result
 */
oci_index_t *oci_as_owner(oci_index_t *index, const oci_owner_t *owner,
                          apr_pool_t *pool);

#endif /* OCI_AS_OWNER_H */
