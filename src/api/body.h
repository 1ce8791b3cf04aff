/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file body.h
 * @brief Reading the body of a request, in a few large pieces
 */

#ifndef OCI_BODY_H
#define OCI_BODY_H

#include "api/request.h"

/** The functions that receive a body, piece by piece. */
typedef struct oci_body_sink_t {
    /**
     * Write or copy n buffers; they are reused after the call.
     * @param pool Lives as long as the request
     */
    oci_error_t *(*write)(void *baton, const struct iovec *vec, int n,
                          apr_pool_t *pool);
    /**
     * Add n buffers to a digest; NULL if there is no digest.  If there is one,
     * two threads share the reading, writing and digesting of a long body.
     * Each of the three is done by one thread at a time, for all bytes in their
     * order, but different ones may run at the same time.  So neither function
     * may use the request.
     */
    void (*digest)(void *baton, const struct iovec *vec, int n);
    /**
     * Called once in each pause of the client, when all bytes that arrived have
     * been written and digested and no other function of the sink is running;
     * NULL if pauses do not matter.
     * @param pool Lives until the function returns; if it returns an error, as
     *        long as the request
     * @return An error, which ends the body, or NULL
     */
    oci_error_t *(*pause)(void *baton, apr_pool_t *pool);
} oci_body_sink_t;

/** The largest accepted body. */
typedef struct oci_body_limit_t {
    apr_off_t bytes;       /* 0 for no limit */
    oci_error_e code;      /* the error for a larger body */
    const char *directive; /* the directive or header that sets the limit */
} oci_body_limit_t;

/**
 * Check the headers of a body, before any of it is read.
 * @return NULL; limit's code, or OCI_E_TOO_LARGE for httpd's LimitRequestBody;
 *         OCI_E_REQUEST_INVALID for a Transfer-Encoding other than chunked
 */
oci_error_t *oci_body_expect(oci_request_t *request,
                             const oci_body_limit_t *limit);

/**
 * Read a body and pass it to a sink, and count its bytes in request->received.
 * @param baton For the sink's functions
 * @return NULL; an error of oci_body_expect or of the sink;
 *         OCI_E_REQUEST_INVALID for a bad encoding; OCI_E_BODY_INCOMPLETE or
 *         OCI_E_TIMEOUT if the client stopped before the end: all received
 *         bytes have then been passed on
 */
oci_error_t *oci_body_read(oci_request_t *request,
                           const oci_body_limit_t *limit,
                           const oci_body_sink_t *sink, void *baton);

/**
 * Leave a body unread.  httpd skips a short one, so that the connection can be
 * used further.  If the body is long or of unknown length, or if the client
 * waits for "100 Continue" before it sends the body, the connection will be
 * closed; httpd's lingering close lets the client read the response.
 */
void oci_body_leave(request_rec *r);

/** Return the length of the body in bytes, -1 if the headers do not tell. */
apr_off_t oci_body_length(const request_rec *r);

#endif /* OCI_BODY_H */
