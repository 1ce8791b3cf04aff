/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file recent_set.h
 * @brief A bounded set of hashes, in which new ones displace old ones
 */

#ifndef OCI_RECENT_SET_H
#define OCI_RECENT_SET_H

#include "apr_errno.h"
#include "apr_pools.h"

/** The size of a hash in bytes, that of SHA-256. */
#define OCI_RECENT_SET_BYTES 32

/** A set, for any threads of a process; processes that fork part ways. */
typedef struct oci_recent_set_t oci_recent_set_t;

/**
 * Make a set.
 * @param slots How many hashes it holds at most
 */
apr_status_t oci_recent_set_create(oci_recent_set_t **set, unsigned slots,
                                   apr_pool_t *pool);

/** Whether a hash was added, and not displaced since. */
int oci_recent_set_has(oci_recent_set_t *set, const unsigned char *hash);

/** Add a hash. */
void oci_recent_set_add(oci_recent_set_t *set, const unsigned char *hash);

#endif /* OCI_RECENT_SET_H */
