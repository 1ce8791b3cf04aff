/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file s3_upload.h
 * @brief Uploads of a store "s3"; each function is that of
 *        oci_blob_store_provider_t
 */

#ifndef OCI_S3_UPLOAD_H
#define OCI_S3_UPLOAD_H

#include "mod_oci.h"

apr_status_t oci_s3_upload_open(oci_blob_writer_t **writer,
                                oci_blob_store_t *store, const char *id,
                                apr_pool_t *pool);
apr_status_t oci_s3_upload_resume(oci_blob_writer_t *writer, apr_off_t size,
                                  const char *state);
apr_status_t oci_s3_upload_write(oci_blob_writer_t *writer,
                                 const struct iovec *vec, int n);
apr_status_t oci_s3_upload_close(const char **state, oci_blob_writer_t *writer,
                                 int durable, apr_pool_t *pool);
apr_status_t oci_s3_upload_commit(const char **locator,
                                  oci_blob_writer_t *writer, const char *digest,
                                  int durable, apr_pool_t *pool);
apr_status_t oci_s3_upload_abort(oci_blob_writer_t *writer);

#endif /* OCI_S3_UPLOAD_H */
