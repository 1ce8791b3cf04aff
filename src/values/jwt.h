/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file jwt.h
 * @brief Signing and verifying JSON Web Tokens (RFC 7519, 7515)
 *
 * A token's header may select one of our keys by its "kid", but never an
 * algorithm: each key has its own.
 */

#ifndef OCI_JWT_H
#define OCI_JWT_H

#include <jansson.h>

#include "values/key_set.h"

/**
 * Sign claims.
 * @param claims A JSON object
 * @return The token, from pool; NULL if no key can sign, or OpenSSL fails
 */
const char *oci_jwt_sign(const oci_key_set_t *keys, const json_t *claims,
                         apr_pool_t *pool);

/**
 * Check a token's form and signature.  The caller checks the claims.
 * @param claims Set to the claims, which are released with pool
 * @return NULL, or a sentence that says what is wrong
 */
const char *oci_jwt_verify(json_t **claims, const oci_key_set_t *keys,
                           const char *token, apr_pool_t *pool);

#endif /* OCI_JWT_H */
