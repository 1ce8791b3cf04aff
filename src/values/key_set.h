/* SPDX-License-Identifier: Apache-2.0 */

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

#include "values/recent_set.h"
#include "values/signing.h"

typedef struct oci_key_set_t {
    apr_array_header_t *list;   /* oci_signing_key_t */
    oci_recent_set_t *verified; /* hashes of tokens that they signed */
} oci_key_set_t;

/**
 * Read keys: private or public ones in PEM, certificates, a JSON Web Key
 * Set (RFC 7517) of public ones, or "secret:" and a secret of 32 or more
 * printable characters.  The first that can sign does; all verify.
 * @param keys Set to them; they live in pool
 * @param text,size What the file holds, with a NUL behind
 * @return NULL, or a sentence that says what is wrong
 */
const char *oci_key_set_read(oci_key_set_t **keys, const char *text,
                             apr_size_t size, apr_pool_t *pool);

/**
 * Make a new key for ES256.
 * @param pem Set to its PEM text
 * @return NULL, or a sentence that says what is wrong
 */
const char *oci_key_set_make(const char **pem, apr_pool_t *pool);

/** The key to sign with, or NULL. */
const oci_signing_key_t *oci_key_set_signer(const oci_key_set_t *keys);

#endif /* OCI_KEY_SET_H */
