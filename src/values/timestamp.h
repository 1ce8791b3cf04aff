/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file timestamp.h
 * @brief Times as text
 */

#ifndef OCI_TIMESTAMP_H
#define OCI_TIMESTAMP_H

#include "apr.h"
#include "apr_pools.h"

/**
 * Return a time such as 2026-01-31T23:59:59Z (RFC 3339).
 * @param seconds Since 1970, UTC; 0: unknown
 * @return NULL if it is not known, or not in the years 1970 to 9999
 */
const char *oci_timestamp_format(apr_int64_t seconds, apr_pool_t *pool);

#endif /* OCI_TIMESTAMP_H */
