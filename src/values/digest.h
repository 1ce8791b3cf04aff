/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file digest.h
 * @brief Digests: "sha256:<64 hex>" and "sha512:<128 hex>", lower case
 *        (image-spec, descriptor.md, "Digests")
 */

#ifndef OCI_DIGEST_H
#define OCI_DIGEST_H

#include "apr_errno.h"
#include "apr_pools.h"

/** The supported algorithms. */
typedef enum { OCI_SHA256, OCI_SHA512 } oci_algorithm_e;

/** A digest that is being computed. */
typedef struct oci_hash_t oci_hash_t;

/** Return the name of an algorithm, such as "sha256". */
const char *oci_algorithm_name(oci_algorithm_e algorithm);

/**
 * Look up an algorithm by its name.
 * @return APR_SUCCESS; APR_EINVAL if it is not supported
 */
apr_status_t oci_algorithm_parse(oci_algorithm_e *algorithm, const char *name);

/** Return 1 if a text is a complete digest of a supported algorithm. */
int oci_digest_valid(const char *text);

/**
 * Get the first bytes of a digest.
 * @param bytes Receives them
 * @param size How many bytes, at most 32
 * @param digest Valid
 */
void oci_digest_bytes(unsigned char *bytes, apr_size_t size,
                      const char *digest);

/** Return the algorithm of a valid digest. */
oci_algorithm_e oci_digest_algorithm(const char *digest);

/** Compute the digest of size bytes at data; it lives in pool. */
const char *oci_digest_of(oci_algorithm_e algorithm, const void *data,
                          apr_size_t size, apr_pool_t *pool);

/** Begin to compute a digest; the hash lives in pool. */
oci_hash_t *oci_hash_make(oci_algorithm_e algorithm, apr_pool_t *pool);

/** Return the algorithm of a hash. */
oci_algorithm_e oci_hash_algorithm(const oci_hash_t *hash);

/** Add size bytes. */
void oci_hash_update(oci_hash_t *hash, const void *data, apr_size_t size);

/** Return the digest of the bytes added so far; more may be added later. */
const char *oci_hash_digest(const oci_hash_t *hash, apr_pool_t *pool);

/**
 * Save the running state as text.
 * @return At most 512 lower-case hex digits; the same on every machine
 */
const char *oci_hash_save(const oci_hash_t *hash, apr_pool_t *pool);

/**
 * Continue from a saved state.
 * @param hash Set to the hash, which lives in pool
 * @param text The saved state
 * @return APR_SUCCESS; APR_EINVAL if text is not a state of this algorithm
 */
apr_status_t oci_hash_load(oci_hash_t **hash, oci_algorithm_e algorithm,
                           const char *text, apr_pool_t *pool);

#endif /* OCI_DIGEST_H */
