/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file s3_stream.h
 * @brief Reading one object piece by piece, at any offset
 *
 * A stream holds at most 384 KiB that have not been read; while nobody reads,
 * the server waits.  Reads in sequence use one response; a read elsewhere ends
 * it and requests the bytes from there.  If a connection breaks or was closed
 * while nobody read, the object is requested again from the same place,
 * provided that its ETag is still the same.
 *
 * One thread at a time can use a stream.
 */

#ifndef OCI_S3_STREAM_H
#define OCI_S3_STREAM_H

#include "apr_errno.h"
#include "apr_pools.h"

#include "s3/s3_client.h"
#include "s3/s3_span.h"

/** An object that is read. */
typedef struct oci_s3_stream_t oci_s3_stream_t;

/**
 * Open an object for reading.  Returns when the head of the first response has
 * come.
 * @param stream Set to it; its connection is released when pool is cleared
 * @param call Copied; its deadline applies to this function only
 * @param span What the caller expects to read
 * @return A status, see s3_client.h; APR_NOTFOUND if there is no such object
 */
apr_status_t oci_s3_stream_open(oci_s3_stream_t **stream,
                                const oci_s3_call_t *call, const char *key,
                                const oci_s3_span_t *span, apr_pool_t *pool);

/** Return the size, the ETag and the time of the object. */
const oci_s3_info_t *oci_s3_stream_info(const oci_s3_stream_t *stream);

/**
 * Read the next bytes.  Waits until there is at least one, no longer than
 * OCI_S3_WAIT, and adds what has come meanwhile.
 * @param span Where to read, and how far the caller will go on from there
 * @param buffer Filled in
 * @param length The size of buffer; set to the number of bytes read
 * @return APR_SUCCESS; APR_EOF at the end of the object; otherwise a status,
 *         see s3_client.h, whose sentence is stored in the stream's pool;
 *         APR_EGENERAL if the object is no longer the same
 */
apr_status_t oci_s3_stream_read(oci_s3_stream_t *stream,
                                const oci_s3_span_t *span, char *buffer,
                                apr_size_t *length);

#endif /* OCI_S3_STREAM_H */
