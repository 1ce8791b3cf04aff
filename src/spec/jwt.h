/* Licensed under the Apache License, Version 2.0 (the "License"); you may
 * not use this file except in compliance with the License.  You may obtain
 * a copy of the License at http://www.apache.org/licenses/LICENSE-2.0
 *
 * Unless required by applicable law or agreed to in writing, software
 * distributed under the License is distributed on an "AS IS" BASIS,
 * WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
 * See the License for the specific language governing permissions and
 * limitations under the License.
 */

/**
 * @file jwt.h
 * @brief Signed tokens (RFC 7519, 7515) and the keys behind them
 *
 * A key is bound to its algorithm: EC keys of P-256 to ES256, RSA keys to
 * RS256, secrets to HS256.  A token's header can choose among our keys, by
 * its "kid", never among algorithms.
 */

#ifndef OCI_JWT_H
#define OCI_JWT_H

#include <jansson.h>

#include "apr_tables.h"

/** The keys of a server. */
typedef struct oci_keys_t oci_keys_t;

/**
 * Read keys: private or public ones in PEM, certificates, a JSON Web Key
 * Set (RFC 7517) of public ones, or else a secret of 32 bytes at least.
 * The first that can sign does; all verify.
 * @param keys Set to them; they live in pool
 * @param text,size What the file holds
 * @return NULL, or a sentence that says what is wrong
 */
const char *oci_keys_read(oci_keys_t **keys, const char *text,
                          apr_size_t size, apr_pool_t *pool);

/**
 * Make a new key for ES256.
 * @param pem Set to its PEM text
 * @return NULL, or a sentence that says what is wrong
 */
const char *oci_keys_make(const char **pem, apr_pool_t *pool);

/** Whether there is a key to sign with. */
int oci_keys_can_sign(const oci_keys_t *keys);

/**
 * Sign claims.
 * @return The token, or NULL where no key can sign
 */
const char *oci_jwt_sign(const oci_keys_t *keys, const json_t *claims,
                         apr_pool_t *pool);

/**
 * Check a token's form and signature.  What the claims say is the caller's
 * to judge.
 * @param claims Set to the claims, released with pool
 * @return NULL, or a sentence that says what is wrong
 */
const char *oci_jwt_verify(json_t **claims, const oci_keys_t *keys,
                           const char *token, apr_pool_t *pool);

#endif /* OCI_JWT_H */
