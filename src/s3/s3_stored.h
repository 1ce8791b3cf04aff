/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file s3_stored.h
 * @brief Lists of the blobs and uploads of a store "s3"
 */

#ifndef OCI_S3_STORED_H
#define OCI_S3_STORED_H

#include "mod_oci.h"

/** As list of oci_blob_store_provider_t.  An upload is listed if it has parts,
 * or a tail that cannot be a blob. */
apr_status_t oci_s3_stored_list(apr_array_header_t **entries,
                                oci_blob_store_t *store, oci_stored_e kind,
                                const char *after, int limit, apr_pool_t *pool);

#endif /* OCI_S3_STORED_H */
