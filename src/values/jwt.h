/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file jwt.h
 * @brief Signed tokens (RFC 7519, 7515)
 *
 * A token's header can choose among our keys, by its "kid", never among
 * algorithms: each key has its own.
 */

#ifndef OCI_JWT_H
#define OCI_JWT_H

#include <jansson.h>

#include "values/key_set.h"

/**
 * Sign claims.
 * @return The token, or NULL where no key can sign
 */
const char *oci_jwt_sign(const oci_key_set_t *keys, const json_t *claims,
                         apr_pool_t *pool);

/**
 * Check a token's form and signature.  What the claims say is the caller's
 * to judge.
 * @param claims Set to the claims, released with pool
 * @return NULL, or a sentence that says what is wrong
 */
const char *oci_jwt_verify(json_t **claims, const oci_key_set_t *keys,
                           const char *token, apr_pool_t *pool);

#endif /* OCI_JWT_H */
