/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file s3_request.h
 * @brief Signed requests to a bucket, repeated while they may yet succeed
 */

#ifndef OCI_S3_REQUEST_H
#define OCI_S3_REQUEST_H

#include <sys/uio.h>

#include "apr_errno.h"
#include "apr_pools.h"
#include "apr_tables.h"
#include "apr_time.h"

#include "s3/s3_client.h"
#include "s3/s3_error.h"
#include "s3/s3_sign.h"
#include "s3/s3_transport.h"

/** A request.  Members that it does not need are zero. */
typedef struct oci_s3_request_t {
    const char *method;
    const char *key;            /* NULL for the bucket itself */
    const apr_table_t *query;   /* not encoded */
    const apr_table_t *headers; /* further ones */
    const struct iovec *body;   /* count pieces */
    int count;
    const char *sha256; /* of the body, in hexadecimal; NULL: computed */
    apr_size_t limit;   /* of the response; 0 for OCI_S3_RESPONSE_LIMIT */
    int once;           /* whether it is not repeated after a lost answer */
} oci_s3_request_t;

/** A response. */
typedef struct oci_s3_reply_t {
    int status;           /* of HTTP */
    apr_table_t *headers; /* those that s3_transport.c keeps */
    char *data;           /* the body, and a NUL */
    apr_size_t size;      /* of data, bytes */
    const char *code;     /* of an error; "" if there is none */
    int lost; /* the server may have carried out the request, as an answer was
                 lost, or did not say it: that of the last attempt or of an
                 earlier one */
} oci_s3_reply_t;

/**
 * Send a request, and repeat it after errors that may pass, until the deadline
 * of the call.
 * @param reply Filled in, in pool, also after an error
 * @return APR_SUCCESS for a status of 2xx whose body is not an error document;
 *         otherwise a status that s3_client.h lists
 */
apr_status_t oci_s3_request(oci_s3_reply_t *reply, const oci_s3_call_t *call,
                            const oci_s3_request_t *request, apr_pool_t *pool);

/**
 * Fill in the method, the URL and the signed headers of an exchange.
 * @param keys Set to the credentials that signed it
 * @return APR_SUCCESS; a status of oci_s3_credentials_get(); APR_EGENERAL if
 *         OpenSSL fails
 */
apr_status_t oci_s3_request_prepare(oci_s3_exchange_t *exchange,
                                    oci_s3_keys_t *keys,
                                    const oci_s3_call_t *call,
                                    const oci_s3_request_t *request,
                                    apr_pool_t *pool);

/**
 * Wait before the next attempt: for a random time that grows with the number of
 * attempts, or for what Retry-After says.
 * @param exchange The last attempt
 * @param attempts The number of attempts so far
 * @param deadline When the last attempt has to be over
 * @return Whether there is time for another attempt
 */
int oci_s3_request_wait(const oci_s3_exchange_t *exchange, int attempts,
                        apr_time_t deadline);

/** Return the percent-encoded path of an object, or of the bucket. */
const char *oci_s3_request_path(const oci_s3_endpoint_t *endpoint,
                                const oci_s3_settings_t *settings,
                                const char *key, apr_pool_t *pool);

/** Add the headers that ask for encryption at rest, if it is configured. */
void oci_s3_request_encrypt(apr_table_t *headers,
                            const oci_s3_settings_t *settings);

/**
 * Add the header with the checksum of the body, if it is configured.
 * @param sha256 In hexadecimal
 */
void oci_s3_request_checksum(apr_table_t *headers,
                             const oci_s3_settings_t *settings,
                             const char *sha256, apr_pool_t *pool);

/**
 * Encode a hash for a header.
 * @param hash In hexadecimal
 * @return It in base64
 */
const char *oci_s3_request_base64(const char *hash, apr_pool_t *pool);

/** Return the deadline of a call with a request body of this many bytes. */
apr_time_t oci_s3_request_deadline(const oci_s3_call_t *call, apr_off_t size);

#endif /* OCI_S3_REQUEST_H */
