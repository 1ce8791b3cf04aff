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

typedef enum { OCI_SHA256, OCI_SHA512 } oci_algorithm_e;

/** A digest that is being computed. */
typedef struct oci_hash_t oci_hash_t;

/** The algorithm's name, such as "sha256". */
const char *oci_algorithm_name(oci_algorithm_e algorithm);

/**
 * Look an algorithm up by its name.
 * @return APR_EINVAL where it is none of ours
 */
apr_status_t oci_algorithm_parse(oci_algorithm_e *algorithm, const char *name);

/** Whether text is a whole digest of an algorithm that we know. */
int oci_digest_valid(const char *text);

/** The algorithm of a valid digest. */
oci_algorithm_e oci_digest_algorithm(const char *digest);

/** The digest of size bytes at data, from pool. */
const char *oci_digest_of(oci_algorithm_e algorithm, const void *data,
                          apr_size_t size, apr_pool_t *pool);

/** Begin to compute a digest; the result lives in pool. */
oci_hash_t *oci_hash_make(oci_algorithm_e algorithm, apr_pool_t *pool);

/** What the hash was made with. */
oci_algorithm_e oci_hash_algorithm(const oci_hash_t *hash);

/** Add size bytes. */
void oci_hash_update(oci_hash_t *hash, const void *data, apr_size_t size);

/** The digest of what was added so far, which may go on. */
const char *oci_hash_digest(const oci_hash_t *hash, apr_pool_t *pool);

/**
 * The running state as text of lower-case hex, alike on every machine, at
 * most 512 bytes.
 */
const char *oci_hash_save(const oci_hash_t *hash, apr_pool_t *pool);

/**
 * Go on from a saved state.
 * @return APR_EINVAL where the text is no state of this algorithm
 */
apr_status_t oci_hash_load(oci_hash_t **hash, oci_algorithm_e algorithm,
                           const char *text, apr_pool_t *pool);

#endif /* OCI_DIGEST_H */
