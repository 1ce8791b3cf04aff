/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file authn.h
 * @brief Authentication: httpd's own, and tokens
 */

#ifndef OCI_AUTHN_H
#define OCI_AUTHN_H

#include "httpd.h"

#include "httpd/context.h"

/**
 * Read the credentials of a request once its configuration is known.
 * @return OK, or the status to refuse it with
 */
int oci_authn_begin(request_rec *r, oci_context_t *context);

/** Whether a caller could be known here at all. */
int oci_authn_possible(request_rec *r);

/** Where /v2/ is open to all, say that Basic is served too: some clients
 * keep their credentials to themselves otherwise. */
void oci_authn_offer(request_rec *r, const oci_context_t *context);

/**
 * Mend an error that httpd's authentication and authorization raised: who
 * is known and not allowed gets a 403, and where tokens are in use a 401
 * asks for one.
 */
void oci_authn_mend_error(request_rec *r, oci_context_t *context);

/**
 * Ask for a token that lets its bearer pull from another repository too.
 * @return OCI_E_UNAUTHORIZED
 */
oci_error_t *oci_authn_ask(request_rec *r, oci_context_t *context,
                           const char *name);

/**
 * Refuse who is known, and ask who is not to log in.
 * @param tag The tag that may not be pushed
 * @return OCI_E_DENIED or OCI_E_UNAUTHORIZED
 */
oci_error_t *oci_authn_refuse_tag(request_rec *r, const oci_context_t *context,
                                  const char *tag);

/** Register the hooks. */
void oci_authn_register(void);

#endif /* OCI_AUTHN_H */
