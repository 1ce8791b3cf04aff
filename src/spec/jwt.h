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
 * @brief Signed tokens (RFC 7519, 7515)
 *
 * A token's header can choose among our keys, by its "kid", never among
 * algorithms: each key has its own.
 */

#ifndef OCI_JWT_H
#define OCI_JWT_H

#include <jansson.h>

#include "spec/key_set.h"

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
