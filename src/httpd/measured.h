/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file measured.h
 * @brief Stores that count their calls, with their time and failures
 */

#ifndef OCI_MEASURED_H
#define OCI_MEASURED_H

#include "mod_oci.h"

/**
 * Make an index that passes all calls on to another one, and counts them.
 * @param index The other index
 * @param name The name of its provider
 * @param pool Owns the result
 */
oci_index_t *oci_measured_index(oci_index_t *index, const char *name,
                                apr_pool_t *pool);

/** Likewise for a blob store. */
oci_blob_store_t *oci_measured_blobs(oci_blob_store_t *blobs, const char *name,
                                     apr_pool_t *pool);

#endif /* OCI_MEASURED_H */
