/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file authn.h
 * @brief Authentication: httpd's own, and Bearer tokens
 */

#ifndef OCI_AUTHN_H
#define OCI_AUTHN_H

#include "httpd.h"

#include "httpd/context.h"

/**
 * Read the credentials of a request, once its configuration is known.
 * @return OK; HTTP_BAD_REQUEST for two Authorization headers;
 *         HTTP_INTERNAL_SERVER_ERROR if a directive for tokens is missing
 */
int oci_authn_begin(request_rec *r, oci_context_t *context);

/** Return 1 if the configuration has a way to authenticate a caller. */
int oci_authn_possible(request_rec *r);

/**
 * Add a Basic challenge to the answer of /v2/ if anonymous callers may read
 * it: without one, some clients never send their credentials.
 */
void oci_authn_offer(request_rec *r, const oci_context_t *context);

/**
 * Correct the status of an error that httpd's authentication or authorization
 * raised.  A refused request gets 401 if it carries no credentials, and 403 if
 * its caller is authenticated.  If tokens are in use, a 401 asks for one.
 */
void oci_authn_correct_error(request_rec *r, oci_context_t *context);

/**
 * Ask for a token that also allows pulls from another repository.
 * @param name The other repository
 * @return OCI_E_UNAUTHORIZED
 */
oci_error_t *oci_authn_ask(request_rec *r, oci_context_t *context,
                           const char *name);

/**
 * Refuse to push or to delete a tag that is not in the path.
 * @param status The status of the request that would have it in the path; with
 *        HTTP_UNAUTHORIZED an anonymous caller is asked to log in
 * @param tag The tag, NULL if the caller must not learn it
 * @param what What the caller may not do, for the message
 * @return OCI_E_DENIED or OCI_E_UNAUTHORIZED
 */
oci_error_t *oci_authn_refuse_tag(request_rec *r, const oci_context_t *context,
                                  int status, const char *tag,
                                  const char *what);

/** Register the hooks. */
void oci_authn_register(void);

#endif /* OCI_AUTHN_H */
