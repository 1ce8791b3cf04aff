/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file pool.h
 * @brief Pools that a second thread may use
 */

#ifndef OCI_POOL_H
#define OCI_POOL_H

#include "apr_pools.h"

/**
 * Make a pool that ends with its parent, with memory of its own: one thread
 * may use it while another one uses the parent.
 * @return APR_ENOMEM
 */
apr_status_t oci_pool_make(apr_pool_t **pool, apr_pool_t *parent);

#endif /* OCI_POOL_H */
