/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file known_set.h
 * @brief A bounded set of values that are known to be good, by their keys
 *
 * It is a cache: a new key may displace an old one.
 */

#ifndef OCI_KNOWN_SET_H
#define OCI_KNOWN_SET_H

#include "apr_errno.h"
#include "apr_pools.h"

/** The size of a key in bytes, that of a SHA-256 hash. */
#define OCI_KNOWN_SET_BYTES 32

/**
 * A set.  All threads of a process may use it at once; after a fork, each
 * process has its own.
 */
typedef struct oci_known_set_t oci_known_set_t;

/**
 * Create an empty set.
 * @param set Set to it; it lives in pool
 * @param slots The largest number of keys that it can hold
 * @return APR_SUCCESS, or why there is no mutex
 */
apr_status_t oci_known_set_create(oci_known_set_t **set, unsigned slots,
                                  apr_pool_t *pool);

/**
 * Return 1 if a key was added and not displaced since, otherwise 0.
 * @param key OCI_KNOWN_SET_BYTES bytes, not all of them zero
 */
int oci_known_set_has(oci_known_set_t *set, const unsigned char *key);

/**
 * Add a key.
 * @param key OCI_KNOWN_SET_BYTES bytes
 */
void oci_known_set_add(oci_known_set_t *set, const unsigned char *key);

#endif /* OCI_KNOWN_SET_H */
