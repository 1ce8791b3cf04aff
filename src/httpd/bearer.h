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

/** Return the service name in tokens: OCITokenService or, unset, the host. */
const char *oci_bearer_service(request_rec *r);

/** Return the issuer of tokens: OCITokenIssuer or, unset, the service name. */
const char *oci_bearer_issuer(request_rec *r);

/**
 * Make the audience ("aud") of the tokens that are issued here.
 * @return A new reference
 */
json_t *oci_bearer_audience(request_rec *r);

/**
 * Verify a token, and set OCI_CLAIM_<name> for each of its claims.
 * @param bearer Set to its contents; left alone if the token is not valid
 * @return NULL, or the error for the challenge; the reason is logged
 */
const char *oci_bearer_verify(const oci_bearer_t **bearer, request_rec *r,
                              const char *token);

/** Return the challenge that asks for a token that allows the request. */
const char *oci_bearer_challenge(request_rec *r, const oci_context_t *context);

#endif /* OCI_BEARER_H */
