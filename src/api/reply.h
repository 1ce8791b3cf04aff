/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file reply.h
 * @brief Sending replies, and turning errors into HTTP statuses and JSON
 *
 * Functions that send a reply return NULL, so that a handler can return their
 * result.
 */

#ifndef OCI_REPLY_H
#define OCI_REPLY_H

#include "api/request.h"

/** The longest list in one reply, in bytes: many clients read no more.  The
 * rest is sent in further pages. */
#define OCI_REPLY_LIST_MAX (4 * 1024 * 1024)

/** Set a header of the reply; both must live as long as the request. */
void oci_reply_header(oci_request_t *request, const char *name,
                      const char *value);

/**
 * Set the headers of content with a digest: Docker-Content-Digest, ETag,
 * X-Content-Type-Options, and Cache-Control if the path names the digest.
 */
void oci_reply_digest(oci_request_t *request, const char *digest);

/**
 * Set a Link header to the next page of a list.
 * @param path Below /v2/
 * @param query The page's parameters, encoded
 */
void oci_reply_next(oci_request_t *request, const char *path,
                    const char *query);

/** Set the Location header to a path below /v2/. */
void oci_reply_location(oci_request_t *request, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** Send a reply without a body. */
oci_error_t *oci_reply_empty(oci_request_t *request, int status);

/** Send size bytes, which must live as long as the request, with status 200. */
oci_error_t *oci_reply_data(oci_request_t *request, const char *type,
                            const char *data, apr_size_t size);

/**
 * Send a reply with a body.
 * @param length The size of the body in bytes
 */
oci_error_t *oci_reply_brigade(oci_request_t *request, int status,
                               apr_bucket_brigade *brigade, apr_off_t length);

/**
 * Check If-Match and If-None-Match of a pull.
 * @param answered Set to whether a reply was sent: a 304, because the client
 *        already has this content
 * @param digest The digest of the content that the pull would get
 * @param code The error to return if If-Match fails
 * @return NULL, or the error
 */
oci_error_t *oci_reply_conditions(int *answered, oci_request_t *request,
                                  const char *digest, oci_error_e code);

/**
 * Log an error: a storage failure at level error, data that storage has lost at
 * crit, a refusal of credentials or rights at info, any other error of a client
 * at debug.
 */
void oci_reply_log(request_rec *r, const oci_error_t *error);

/**
 * Decide about the error of a release: a HEAD that could only not keep garbage
 * collection from deleting the content, for lack of space or rights, logs that
 * and succeeds.
 * @param error Of the release, or NULL
 * @return The error if the HEAD fails
 */
oci_error_t *oci_reply_released(oci_request_t *request, oci_error_t *error);

/** Log an error, and send it to the client. */
void oci_reply_error(request_rec *r, const oci_error_t *error);

/** Make the error for a status that httpd has chosen. */
oci_error_t *oci_error_of_status(request_rec *r, int status);

/** Return the HTTP status of an error. */
int oci_error_status(const oci_error_t *error);

/**
 * Make the JSON body of an error, and of those in its list.  The variable
 * OCI_ERROR is set to its code.
 */
const char *oci_error_body(request_rec *r, const oci_error_t *error);

#endif /* OCI_REPLY_H */
