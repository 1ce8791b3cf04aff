/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file digest_filter.h
 * @brief A Bloom filter of digests, in a fixed amount of memory
 *
 * The filter may have a digest that was never added, but until it is full it
 * never lacks one that was.  With 8 bytes for each digest, the probability of
 * the former is 1 in 70,000; with one byte it is 1 in 40.
 */

#ifndef OCI_DIGEST_FILTER_H
#define OCI_DIGEST_FILTER_H

#include "apr_pools.h"

typedef struct oci_digest_filter_t oci_digest_filter_t;

/**
 * Make an empty filter.  Ends the process if there is no memory.
 * @param log_size The binary logarithm of its size in bytes, at most 32
 * @param seed Random: a filter with another seed has other digests by mistake
 * @param pool Whose end frees the memory
 */
oci_digest_filter_t *oci_digest_filter_make(int log_size, apr_uint64_t seed,
                                            apr_pool_t *pool);

/** Add a valid digest. */
void oci_digest_filter_add(oci_digest_filter_t *filter, const char *digest);

/**
 * Return 1 if a filter has a valid digest, otherwise 0.  A filter that is full,
 * with more than 1.4 digests for each byte, has none: it would soon have all.
 */
int oci_digest_filter_has(const oci_digest_filter_t *filter,
                          const char *digest);

#endif /* OCI_DIGEST_FILTER_H */
