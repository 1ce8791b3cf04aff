/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file reply.h
 * @brief Replies, and the one place where errors become HTTP
 */

#ifndef OCI_REPLY_H
#define OCI_REPLY_H

#include "api/request.h"

/** The longest list that is sent in one reply, in bytes: many clients read no
 * more.  What is left out comes in further pages. */
#define OCI_REPLY_LIST_MAX (4 * 1024 * 1024)

/** Set a header of the reply; both must live as long as the request. */
void oci_reply_header(oci_request_t *request, const char *name,
                      const char *value);

/** Docker-Content-Digest, ETag, and how long caches may keep the reply. */
void oci_reply_digest(oci_request_t *request, const char *digest);

/**
 * Link to the next page of a list.
 * @param path Below /v2
 * @param query Its parameters, encoded
 */
void oci_reply_next(oci_request_t *request, const char *path,
                    const char *query);

/** Location: a path below /v2. */
void oci_reply_location(oci_request_t *request, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** A reply without a body. */
oci_error_t *oci_reply_empty(oci_request_t *request, int status);

/** A reply of size bytes, which must live as long as the request. */
oci_error_t *oci_reply_data(oci_request_t *request, const char *type,
                            const char *data, apr_size_t size);

/** A reply whose body is ready; length is its size in bytes. */
oci_error_t *oci_reply_brigade(oci_request_t *request, int status,
                               apr_bucket_brigade *brigade, apr_off_t length);

/**
 * Hold If-Match and If-None-Match of a pull against what it would get.
 * @param answered Set to whether the client has it: the reply was a 304
 * @param code Of the error where If-Match does not hold
 */
oci_error_t *oci_reply_conditions(int *answered, oci_request_t *request,
                                  const char *digest, oci_error_e code);

/** Log an error, and say it to the client. */
void oci_reply_error(request_rec *r, const oci_error_t *error);

/** An error that stands for a status which httpd itself chose. */
oci_error_t *oci_error_of_status(request_rec *r, int status);

/** The status of an error. */
int oci_error_status(const oci_error_t *error);

/** An error as the body of a reply; it is noted as OCI_ERROR. */
const char *oci_error_body(request_rec *r, const oci_error_t *error);

#endif /* OCI_REPLY_H */
