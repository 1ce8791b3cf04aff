/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file blob_bucket.h
 * @brief Buckets for the bytes of a blob
 */

#ifndef OCI_BLOB_BUCKET_H
#define OCI_BLOB_BUCKET_H

#include "httpd.h"

#include "mod_oci.h"

/** Whether sendfile(2) may send the file of a blob to the client. */
int oci_blob_bucket_uses_sendfile(const request_rec *r);

/**
 * Create a bucket for all bytes of a blob.  Copies of it may be given another
 * start and length; they share one file descriptor or stream.  If bytes cannot
 * be read when they are sent, the response ends early, so that the client
 * notices, and the log has the cause.
 * @param source A file or a stream, which lives as long as the request
 * @param ranges Of oci_range_t: the bytes that the response has, so that no
 *        others are requested; lives as long as the request; NULL: all bytes
 * @param where The name of the blob, for the log
 * @return The bucket, never NULL
 */
apr_bucket *oci_blob_bucket_create(const oci_blob_source_t *source,
                                   const apr_array_header_t *ranges,
                                   const char *where, request_rec *r);

#endif /* OCI_BLOB_BUCKET_H */
