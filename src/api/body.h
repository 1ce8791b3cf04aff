/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file body.h
 * @brief The body of a request, in few large pieces
 */

#ifndef OCI_BODY_H
#define OCI_BODY_H

#include "api/request.h"

/** Where a body goes, piece by piece. */
typedef struct oci_body_sink_t {
    /** Take n buffers for good; pool lives as long as the request. */
    oci_error_t *(*write)(void *baton, const struct iovec *vec, int n,
                          apr_pool_t *pool);
    /**
     * Compute a digest, or NULL for none.  Where there is one, of a long
     * body two threads read, write and digest in turn: each of these is done
     * by one thread at a time, for all bytes in their order, and two of them
     * may be done at once.  So both functions leave the request alone.
     */
    void (*digest)(void *baton, const struct iovec *vec, int n);
} oci_body_sink_t;

/** How large a body may be. */
typedef struct oci_body_limit_t {
    apr_off_t bytes;       /* 0 for no limit */
    oci_error_e code;      /* what a larger one is */
    const char *directive; /* which set the limit */
} oci_body_limit_t;

/**
 * Refuse a body by what its headers say, before any of it is read.
 * @return limit's code, or OCI_E_TOO_LARGE for httpd's own LimitRequestBody
 */
oci_error_t *oci_body_expect(oci_request_t *request,
                             const oci_body_limit_t *limit);

/**
 * Pass a body on as it comes, and count it in request->received.
 * @return As oci_body_expect; what sink->write returned;
 *         OCI_E_REQUEST_INVALID for a bad encoding; OCI_E_BODY_INCOMPLETE or
 *         OCI_E_TIMEOUT where the client stopped before the end, after all
 *         that came was passed on
 */
oci_error_t *oci_body_read(oci_request_t *request,
                           const oci_body_limit_t *limit,
                           const oci_body_sink_t *sink, void *baton);

/**
 * Leave a body unread.  A short one httpd skips, so that the connection stays
 * in step.  A long one, or one that the client holds back until it is told to
 * go on, ends the connection instead; httpd lingers on it so that the client
 * can read the answer.
 */
void oci_body_leave(request_rec *r);

/** The length of the body as its headers say it, -1 where they don't. */
apr_off_t oci_body_length(const request_rec *r);

#endif /* OCI_BODY_H */
