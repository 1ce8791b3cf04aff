/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file verified_set.h
 * @brief A bounded set of the hashes of verified tokens
 *
 * It is a cache: a new hash may displace an old one.
 */

#ifndef OCI_VERIFIED_SET_H
#define OCI_VERIFIED_SET_H

#include "apr_errno.h"
#include "apr_pools.h"

/** The size of a hash in bytes, that of SHA-256. */
#define OCI_VERIFIED_SET_BYTES 32

/**
 * A set.  All threads of a process may use it at once; after a fork, each
 * process has its own.
 */
typedef struct oci_verified_set_t oci_verified_set_t;

/**
 * Create an empty set.
 * @param set Set to it; it lives in pool
 * @param slots The largest number of hashes that it can hold
 * @return APR_SUCCESS, or why there is no mutex
 */
apr_status_t oci_verified_set_create(oci_verified_set_t **set, unsigned slots,
                                     apr_pool_t *pool);

/**
 * Return 1 if a hash was added and not displaced since, otherwise 0.
 * @param hash OCI_VERIFIED_SET_BYTES bytes
 */
int oci_verified_set_has(oci_verified_set_t *set, const unsigned char *hash);

/**
 * Add a hash.
 * @param hash OCI_VERIFIED_SET_BYTES bytes
 */
void oci_verified_set_add(oci_verified_set_t *set, const unsigned char *hash);

#endif /* OCI_VERIFIED_SET_H */
