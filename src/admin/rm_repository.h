/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file rm_repository.h
 * @brief Deletes a whole repository
 */

#ifndef OCI_RM_REPOSITORY_H
#define OCI_RM_REPOSITORY_H

#include "registry/registry.h"

/** What was deleted. */
typedef struct oci_rm_counts_t {
    apr_uint64_t tags;
    apr_uint64_t manifests;
    apr_uint64_t blobs;
} oci_rm_counts_t;

/**
 * Delete all tags, manifests and blobs of a repository, and what is left of
 * earlier ones.  It takes the repository's exclusive lock for some of them at a
 * time, in an order in which nothing that is still there names something that
 * is gone.
 * @param counts Set, also after an error
 * @param is_stopped Returns whether to stop at the next opportunity
 * @param pool For temporary data
 * @return OCI_E_UNAVAILABLE if it was stopped, or if others push to the
 *         repository again and again; a storage error
 */
oci_error_t *oci_rm_repository(oci_rm_counts_t *counts,
                               const oci_repository_t *repository,
                               int (*is_stopped)(void), apr_pool_t *pool);

#endif /* OCI_RM_REPOSITORY_H */
