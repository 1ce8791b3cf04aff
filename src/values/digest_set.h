/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file digest_set.h
 * @brief A set of digests, in 32 to 64 bytes for each
 *
 * A SHA-512 digest counts as the SHA-256 digest that has its first 32 bytes.
 * The set may therefore have a digest that was never added, but it never lacks
 * one.
 */

#ifndef OCI_DIGEST_SET_H
#define OCI_DIGEST_SET_H

#include "apr_pools.h"

typedef struct oci_digest_set_t oci_digest_set_t;

/** Make an empty set; its memory is freed with pool. */
oci_digest_set_t *oci_digest_set_make(apr_pool_t *pool);

/** Add a valid digest.  Ends the process if there is no memory. */
void oci_digest_set_add(oci_digest_set_t *set, const char *digest);

/** Return 1 if a set has a valid digest, otherwise 0.  Many calls in a row are
 * fast; the first call after oci_digest_set_add sorts the set. */
int oci_digest_set_has(oci_digest_set_t *set, const char *digest);

#endif /* OCI_DIGEST_SET_H */
