/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file stream_bucket.h
 * @brief Buckets that read a blob from a stream when they are sent
 */

#ifndef OCI_STREAM_BUCKET_H
#define OCI_STREAM_BUCKET_H

#include "httpd.h"

#include "mod_oci.h"

/**
 * Create a bucket for all bytes of a stream.  As with a file bucket, copies of
 * it may be given another start and length.  A read turns the bucket into one
 * in memory, of at most 256 KiB, and another one for the rest.  If the stream
 * cannot be read, the response ends early, so that the client notices, and the
 * log has the cause.
 * @param stream Lives as long as the request
 * @param size The size of the stream in bytes
 * @param where The name of the blob, for the log
 * @return The bucket, never NULL
 */
apr_bucket *oci_stream_bucket_create(oci_blob_stream_t *stream, apr_off_t size,
                                     const char *where, request_rec *r);

#endif /* OCI_STREAM_BUCKET_H */
