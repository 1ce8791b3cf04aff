/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file key_set.h
 * @brief The keys that sign and verify tokens, as read from a file
 *
 * Each key has one algorithm: EC keys on the curve P-256 have ES256, RSA keys
 * RS256, secrets HS256.
 */

#ifndef OCI_KEY_SET_H
#define OCI_KEY_SET_H

#include "apr_tables.h"

#include "values/known_set.h"
#include "values/signing.h"

typedef struct oci_key_set_t {
    apr_array_header_t *list;  /* oci_signing_key_t */
    oci_known_set_t *verified; /* hashes of tokens that a key verified */
} oci_key_set_t;

/**
 * Read keys: private keys, public keys or certificates in PEM, a JSON Web Key
 * Set (RFC 7517) of public keys, or "secret:" and a secret of 32 or more
 * printable characters.  The first key that can sign is used for signing; all
 * are used for verifying.
 * @param keys Set to them; they live in pool
 * @param text,size The content of the file; a NUL follows it
 * @return NULL, or a sentence that says what is wrong
 */
const char *oci_key_set_read(oci_key_set_t **keys, const char *text,
                             apr_size_t size, apr_pool_t *pool);

/**
 * Make a new private key for ES256.
 * @param pem Set to its PEM text, in pool
 * @return NULL, or a sentence that says what is wrong
 */
const char *oci_key_set_make(const char **pem, apr_pool_t *pool);

/** Return the key to sign with, NULL if none can sign. */
const oci_signing_key_t *oci_key_set_signer(const oci_key_set_t *keys);

/** Return 1 if the set has this key, or its public part; otherwise 0. */
int oci_key_set_has(const oci_key_set_t *keys, const oci_signing_key_t *key);

#endif /* OCI_KEY_SET_H */
