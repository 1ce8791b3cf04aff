/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file blob_source.h
 * @brief Reads the bytes of a blob, whether its store has files or streams
 */

#ifndef OCI_BLOB_SOURCE_H
#define OCI_BLOB_SOURCE_H

#include "registry/blob.h"

/**
 * Read bytes of an open blob.
 * @param source As blob_open set it; not a URL.  Its until is 0, or where the
 *        caller stops for now
 * @param offset Of the first byte
 * @param length In: bytes wanted, at least 1; out: bytes read, 0 only at the
 * end
 * @return An error of the system
 */
apr_status_t oci_blob_source_read(const oci_blob_source_t *source,
                                  apr_off_t offset, char *buffer,
                                  apr_size_t *length);

/**
 * Compute the digest of a stored blob.
 * @param actual Set to it, from pool
 * @param blob Its locator, and a digest of the algorithm
 * @param pool For the result and temporary data
 * @return APR_NOTFOUND if the store does not have it; an error of the system
 */
apr_status_t oci_blob_hash(const char **actual, oci_blob_store_t *store,
                           const oci_blob_t *blob, apr_pool_t *pool);

#endif /* OCI_BLOB_SOURCE_H */
