/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file bearer.h
 * @brief Bearer tokens at the registry (RFC 6750; distribution's token
 *        authentication)
 */

#ifndef OCI_BEARER_H
#define OCI_BEARER_H

#include <jansson.h>

#include "httpd.h"

#include "httpd/context.h"

/** What this host is called in tokens, unless OCITokenService says it. */
const char *oci_bearer_service(request_rec *r);

/** Who issues tokens, unless OCITokenIssuer says it: the service. */
const char *oci_bearer_issuer(request_rec *r);

/** Whom the tokens that are issued here are for ("aud"), a new reference. */
json_t *oci_bearer_audience(request_rec *r);

/**
 * Check a token, and set OCI_CLAIM_<name> for what it claims.
 * @param bearer Set to what it says, NULL where it is not valid
 * @return NULL, or the challenge's error; the log has the reason
 */
const char *oci_bearer_verify(const oci_bearer_t **bearer, request_rec *r,
                              const char *token);

/** The challenge that asks for what a request needs. */
const char *oci_bearer_challenge(request_rec *r, const oci_context_t *context);

#endif /* OCI_BEARER_H */
