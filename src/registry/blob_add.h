/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file blob_add.h
 * @brief Adds blobs whose bytes are stored to a repository
 */

#ifndef OCI_BLOB_ADD_H
#define OCI_BLOB_ADD_H

#include "registry/blob.h"

/**
 * Record a blob whose bytes are stored, and add it to a repository.  The caller
 * holds the lock on the blob.
 * @param pool For temporary data
 * @return A storage error
 */
oci_error_t *oci_blob_add(const oci_repository_t *repository,
                          const oci_blob_t *blob, apr_pool_t *pool);

/**
 * Record a blob whose bytes a remote store has just made, and add it to a
 * repository.  If the blob has a record already, whose bytes are stored, these
 * stay its bytes.
 * @param spare Set to whether the new bytes are not needed: delete them
 * @param pool For temporary data
 * @return A storage error
 */
oci_error_t *oci_blob_enter(int *spare, const oci_repository_t *repository,
                            const oci_blob_t *blob, apr_pool_t *pool);

/**
 * Add several blobs, as oci_blob_add does, in one step.
 * @param blobs An array of oci_blob_t; at least one
 * @param pool For temporary data
 * @return A storage error
 */
oci_error_t *oci_blob_add_all(const oci_repository_t *repository,
                              const apr_array_header_t *blobs,
                              apr_pool_t *pool);

#endif /* OCI_BLOB_ADD_H */
