/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file s3_transport.h
 * @brief Exchanges of one HTTP request and its response, by means of libcurl
 */

#ifndef OCI_S3_TRANSPORT_H
#define OCI_S3_TRANSPORT_H

#include <sys/uio.h>

#include "apr_errno.h"
#include "apr_pools.h"
#include "apr_tables.h"
#include "apr_time.h"

#include "s3/s3_client.h"
#include "s3/s3_handles.h"

/** The default limit of a response body, in bytes. */
#define OCI_S3_RESPONSE_LIMIT (8 * 1024 * 1024)

/** The most bytes that a sink gets at once: the size of libcurl's buffer. */
#define OCI_S3_SINK_SIZE (256 * 1024)

/** The return value by which a sink pauses: CURL_WRITEFUNC_PAUSE. */
#define OCI_S3_PAUSE 0x10000001

/**
 * Take bytes of a response's body.
 * @param size Of bytes; one is 1
 * @return size, or OCI_S3_PAUSE: the same bytes come again later
 */
typedef size_t oci_s3_sink_t(char *bytes, size_t one, size_t size, void *baton);

/** A request and its response.  Members that the request does not need are
 * zero. */
typedef struct oci_s3_exchange_t {
    const char *method;
    const char *url;
    const apr_table_t *headers;
    const struct iovec *body; /* count pieces */
    int count;
    apr_time_t deadline; /* of oci_s3_now(); 0 for none */
    apr_size_t limit;    /* of the response body, in bytes */
    int direct;          /* whether no proxy is used */
    oci_s3_sink_t *sink; /* takes the body of the response; NULL: it is
                            collected in data */
    void *baton;         /* of sink */

    int status;            /* of HTTP; 0 if no response came */
    int begun;             /* whether the head of the response is complete */
    apr_table_t *received; /* some of the headers of the response */
    char *data;            /* the body of the response, and a NUL */
    apr_size_t size;       /* of data, bytes */
    int too_large;         /* the body is longer than the limit */
    int unsent;            /* the server cannot have seen the request */
    int repeated;        /* libcurl sent it twice: the first answer was lost */
    const char *failure; /* what libcurl says about an error */
    const char *advice;  /* with it: "; " and what to do, or "" */
} oci_s3_exchange_t;

/**
 * Create a transport.
 * @param ca_file The certificates to trust; NULL for the system's
 * @param silence How long nothing may be sent or received, in microseconds
 * @return APR_SUCCESS, or an error of the system
 */
apr_status_t oci_s3_transport_create(oci_s3_transport_t **transport,
                                     const char *ca_file,
                                     apr_interval_time_t silence,
                                     apr_pool_t *pool);

/**
 * Run an exchange.
 * @param exchange Its second half is filled in, in pool
 * @return APR_SUCCESS for a complete response of any status;
 *         APR_ECONNREFUSED if there was no connection, or it broke;
 *         APR_TIMEUP; APR_EGENERAL; each with exchange->failure and its
 *         advice
 */
apr_status_t oci_s3_transport_run(oci_s3_transport_t *transport,
                                  oci_s3_exchange_t *exchange,
                                  apr_pool_t *pool);

/**
 * Start an exchange whose response the caller collects.
 * @param handle Set to a handle, which the caller drives and releases
 * @param exchange Must live until then, like pool; its deadline and the
 *        silence of the transport are not applied
 * @return APR_SUCCESS, or APR_ENOMEM
 */
apr_status_t oci_s3_transport_start(oci_s3_handle_t **handle,
                                    oci_s3_transport_t *transport,
                                    oci_s3_exchange_t *exchange,
                                    apr_pool_t *pool);

/**
 * Wait until a handle has something to do, or a time has passed, and do it.
 * @param running Set to 0 when the exchange has ended
 * @param wait The longest wait, in microseconds
 */
apr_status_t oci_s3_transport_drive(int *running, oci_s3_handle_t *handle,
                                    apr_interval_time_t wait);

/** Go on with an exchange whose sink returned OCI_S3_PAUSE. */
void oci_s3_transport_resume(oci_s3_handle_t *handle);

/**
 * Get the result of an exchange that has ended.
 * @return As oci_s3_transport_run
 */
apr_status_t oci_s3_transport_result(oci_s3_exchange_t *exchange,
                                     oci_s3_handle_t *handle, apr_pool_t *pool);

/**
 * Release a handle.
 * @param ended Whether the exchange has ended; if not, its connection is closed
 */
void oci_s3_transport_release(oci_s3_transport_t *transport,
                              oci_s3_handle_t *handle, int ended);

#endif /* OCI_S3_TRANSPORT_H */
