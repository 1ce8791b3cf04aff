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
 * @file key_set.h
 * @brief The keys of a server, as a file holds them
 *
 * A key is bound to its algorithm: EC keys of P-256 to ES256, RSA keys to
 * RS256, secrets to HS256.
 */

#ifndef OCI_KEY_SET_H
#define OCI_KEY_SET_H

#include "apr_tables.h"

#include "spec/recent.h"
#include "spec/signing.h"

typedef struct oci_keys_t {
    apr_array_header_t *list;      /* oci_key_t */
    oci_recent_t       *verified;  /* hashes of tokens that they signed */
} oci_keys_t;

/**
 * Read keys: private or public ones in PEM, certificates, a JSON Web Key
 * Set (RFC 7517) of public ones, or "secret:" and a secret of 32 or more
 * printable characters.  The first that can sign does; all verify.
 * @param keys Set to them; they live in pool
 * @param text,size What the file holds, with a NUL behind
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

/** The key to sign with, or NULL. */
const oci_key_t *oci_keys_signer(const oci_keys_t *keys);

#endif /* OCI_KEY_SET_H */
