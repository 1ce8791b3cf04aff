/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file s3_client.h
 * @brief A client of one bucket, which all threads of a process share
 *
 *     oci_s3_initialize(pconf);                        once, at the start
 *     oci_s3_settings_make(&settings, ...);
 *     oci_s3_client_create(&client, settings, pconf);  before or after a fork
 *     oci_s3_call_t call = { client, 0 };              in each request
 *     oci_s3_put(&etag, &call, &put, r->pool);
 *
 * The functions that take an oci_s3_call_t send requests.  Each of them returns
 * APR_SUCCESS or one of these statuses:
 *
 *     APR_NOTFOUND      there is no such object, or no such upload
 *     APR_EEXIST        a condition (If-Match, If-None-Match) did not hold
 *     APR_ECONNREFUSED  the server cannot be reached, or broke the connection
 *     APR_TIMEUP        the server did not answer in time, or was overloaded
 *     APR_ENOSPC        the server has no space left, or a quota is used up
 *     APR_EACCES        the server refused the credentials
 *     APR_ENOTIMPL      the server lacks the operation
 *     APR_EGENERAL      anything else, such as a missing bucket
 *
 * With all but the first two, a sentence is stored in the pool under OCI_REASON
 * (see mod_oci.h).  Neither the sentences nor anything else that this library
 * returns contains a secret key or a session token; presigned URLs contain the
 * token.
 *
 * Keys are relative to the prefix of the settings.
 */

#ifndef OCI_S3_CLIENT_H
#define OCI_S3_CLIENT_H

#include "apr_errno.h"
#include "apr_pools.h"
#include "apr_time.h"

#include "s3/s3_settings.h"

/** How long a call without a deadline takes at most, in microseconds; a second
 * is added for each MiB of the request's body. */
#define OCI_S3_WAIT apr_time_from_sec(20)

/** The idle connections of a process; see s3_transport.h. */
typedef struct oci_s3_transport_t oci_s3_transport_t;

/** The credentials of a process; see s3_credentials.h. */
typedef struct oci_s3_credentials_t oci_s3_credentials_t;

/** A client. Several threads can use it at a time, also after a fork. */
typedef struct oci_s3_client_t oci_s3_client_t;

/** The client that a call uses, and the time limit of the call. */
typedef struct oci_s3_call_t {
    oci_s3_client_t *client;
    apr_time_t deadline; /* of oci_s3_now(); 0 for OCI_S3_WAIT from now */
} oci_s3_call_t;

/**
 * Initialize libcurl.  Call this while the process has only one thread, and
 * before all other functions that send requests.  The process should ignore
 * SIGPIPE, as httpd does: OpenSSL may write to a closed connection.
 * @param pool The clean-up of libcurl is registered here
 * @return APR_SUCCESS, or APR_EGENERAL
 */
apr_status_t oci_s3_initialize(apr_pool_t *pool);

/**
 * Create a client.  This sends no request and reads no credentials.
 * @param client Set to it; its connections are closed when pool is cleared
 * @param settings Must live as long as pool
 * @return APR_SUCCESS, or an error of the system
 */
apr_status_t oci_s3_client_create(oci_s3_client_t **client,
                                  const oci_s3_settings_t *settings,
                                  apr_pool_t *pool);

/** Return the settings of a client. */
const oci_s3_settings_t *oci_s3_client_settings(const oci_s3_client_t *client);

/** Return what a client uses to send requests; for this directory only. */
oci_s3_transport_t *oci_s3_client_transport(const oci_s3_client_t *client);

/** Return the credentials of a client; for this directory only. */
oci_s3_credentials_t *oci_s3_client_credentials(const oci_s3_client_t *client);

/** Return microseconds of a monotonic clock, which has no date. */
apr_time_t oci_s3_now(void);

#endif /* OCI_S3_CLIENT_H */
