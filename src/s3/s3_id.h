/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file s3_id.h
 * @brief The id of a store "s3", and that of its index; each function is that
 * of oci_blob_store_provider_t
 */

#ifndef OCI_S3_ID_H
#define OCI_S3_ID_H

#include "mod_oci.h"

apr_status_t oci_s3_identity(const char **id, oci_blob_store_t *store, int make,
                             apr_pool_t *pool);
apr_status_t oci_s3_owner(const char **owner, oci_blob_store_t *store,
                          const char *old, const char *owner_new,
                          apr_pool_t *pool);

#endif /* OCI_S3_ID_H */
