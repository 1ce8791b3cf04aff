/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file pool.h
 * @brief Pools that may be used in a second thread
 */

#ifndef OCI_POOL_H
#define OCI_POOL_H

#include "apr_pools.h"

/**
 * Make a child pool with a separate allocator.  One thread may use it while
 * another thread uses the parent.
 * @param pool Set to the new pool; destroyed with its parent
 * @return APR_SUCCESS or APR_ENOMEM
 */
apr_status_t oci_pool_make(apr_pool_t **pool, apr_pool_t *parent);

#endif /* OCI_POOL_H */
