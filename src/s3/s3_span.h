/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file s3_span.h
 * @brief Some bytes of an object: their request, and the head of a response
 */

#ifndef OCI_S3_SPAN_H
#define OCI_S3_SPAN_H

#include "apr_pools.h"

#include "s3/s3_object.h"
#include "s3/s3_transport.h"

/** The bytes that a caller is going to read, the first of them now. */
typedef struct oci_s3_span_t {
    apr_off_t offset; /* of the first byte */
    apr_off_t until;  /* behind the last one; 0: to the end of the object */
} oci_s3_span_t;

/** Return the value of Range (RFC 9110, 14.2) that requests a span, from pool;
 * NULL for the entire object. */
const char *oci_s3_span_range(const oci_s3_span_t *span, apr_pool_t *pool);

/**
 * Check that a response begins with the first byte of a span, and that its
 * object is the same as before.
 * @param info What is known of the object; its size is -1 before the first
 *        response, of which the rest is filled in, from pool
 * @param exchange A response with status 200 or 206
 * @return NULL, or a sentence that says what is wrong
 */
const char *oci_s3_span_match(oci_s3_info_t *info, const oci_s3_span_t *span,
                              const oci_s3_exchange_t *exchange,
                              apr_pool_t *pool);

#endif /* OCI_S3_SPAN_H */
