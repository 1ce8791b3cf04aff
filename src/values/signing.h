/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file signing.h
 * @brief Keys and their signatures, as jwt.c uses them
 */

#ifndef OCI_SIGNING_H
#define OCI_SIGNING_H

#include <openssl/evp.h>

#include "apr_errno.h"
#include "apr_pools.h"
#include "apr_tables.h"

/** A key, bound to its algorithm. */
typedef struct oci_signing_key_t {
    const char *algorithm; /* "ES256", "RS256" or "HS256" */
    const char *id;        /* its thumbprint (RFC 7638); NULL for a secret */
    EVP_PKEY *pkey;        /* released with the pool; NULL for a secret */
    const char *secret;
    apr_size_t secret_size;
    int can_sign;
} oci_signing_key_t;

/**
 * Make a key of OpenSSL's, which it takes over.
 * @return NULL, or a sentence that says what is wrong
 */
const char *oci_signing_key_wrap(oci_signing_key_t *key, EVP_PKEY *pkey,
                                 int can_sign, apr_pool_t *pool);

/**
 * Make a public key of its JSON Web Key's numbers, each size bytes.
 * @param first,second "x" and "y" of an EC key, "n" and "e" of an RSA key
 * @return NULL where they make no key
 */
EVP_PKEY *oci_signing_key_of_numbers(const char *type,
                                     const unsigned char *first,
                                     apr_size_t first_size,
                                     const unsigned char *second,
                                     apr_size_t second_size);

/** Sign text; the signature is as RFC 7518 writes it. */
apr_status_t oci_signing_key_sign(unsigned char **signature, apr_size_t *size,
                                  const oci_signing_key_t *key,
                                  const char *text, apr_pool_t *pool);

/** Whether a signature of a text of length bytes is this key's. */
int oci_signing_key_verify(const oci_signing_key_t *key, const char *text,
                           apr_size_t length, const unsigned char *signature,
                           apr_size_t size);

#endif /* OCI_SIGNING_H */
