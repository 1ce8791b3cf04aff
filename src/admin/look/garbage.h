/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file garbage.h
 * @brief What garbage collection would free
 */

#ifndef OCI_GARBAGE_H
#define OCI_GARBAGE_H

#include "registry/registry.h"

/** A count of garbage. */
typedef struct oci_garbage_t oci_garbage_t;

/** Begin to count; the count lives in pool. */
oci_garbage_t *oci_garbage_make(const oci_registry_t *registry,
                                apr_pool_t *pool);

/**
 * Add up the blobs of a repository that none of its manifests names, and that
 * no other repository holds.  A repository that has not changed since garbage
 * was collected is not read.  No lock is taken, so that what is pushed
 * meanwhile may count.
 * @param bytes Set to the sum
 * @param damaged Set to a manifest's error if that manifest cannot be read:
 *        nothing is then collected in this repository; otherwise to NULL
 * @param pool For temporary data and the errors
 * @return A storage error
 */
oci_error_t *oci_garbage_count(apr_uint64_t *bytes, oci_error_t **damaged,
                               oci_garbage_t *garbage, const char *name,
                               apr_pool_t *pool);

/**
 * Add up the blobs that several of the counted repositories hold, and for which
 * none of these has a use.  If there are very many, only some count.
 * @param bytes Set to the sum
 * @param pool For temporary data
 * @return A storage error
 */
oci_error_t *oci_garbage_count_shared(apr_uint64_t *bytes,
                                      oci_garbage_t *garbage, apr_pool_t *pool);

#endif /* OCI_GARBAGE_H */
