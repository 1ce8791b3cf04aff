/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file signing.h
 * @brief Signing and verifying text with a key, by means of OpenSSL
 */

#ifndef OCI_SIGNING_H
#define OCI_SIGNING_H

#include <openssl/evp.h>

#include "apr_errno.h"
#include "apr_pools.h"
#include "apr_tables.h"

/** A key, with its only algorithm. */
typedef struct oci_signing_key_t {
    const char *algorithm;  /* "ES256", "RS256" or "HS256" */
    const char *id;         /* its thumbprint (RFC 7638); NULL for a secret */
    EVP_PKEY *pkey;         /* released with the pool; NULL for a secret */
    const char *secret;     /* NULL for other keys */
    apr_size_t secret_size; /* bytes */
    int can_sign;
} oci_signing_key_t;

/**
 * Make a key from an OpenSSL key.
 * @param key Filled in
 * @param pkey Released with pool, also after an error
 * @param can_sign Whether pkey has a private part
 * @return NULL, or a sentence that says what is wrong
 */
const char *oci_signing_key_wrap(oci_signing_key_t *key, EVP_PKEY *pkey,
                                 int can_sign, apr_pool_t *pool);

/**
 * Make a public key from the numbers of a JSON Web Key.
 * @param type "EC" or "RSA"
 * @param first,second "x" and "y" of an EC key, "n" and "e" of an RSA key, as
 *        bytes with the highest first
 * @return The key, which the caller frees; NULL if they are not a valid key
 */
EVP_PKEY *oci_signing_key_of_numbers(const char *type,
                                     const unsigned char *first,
                                     apr_size_t first_size,
                                     const unsigned char *second,
                                     apr_size_t second_size);

/**
 * Sign a text.
 * @param signature Set to the signature in the form of RFC 7518, in pool
 * @param size Set to its size in bytes
 * @return APR_SUCCESS; APR_EGENERAL if OpenSSL fails
 */
apr_status_t oci_signing_key_sign(unsigned char **signature, apr_size_t *size,
                                  const oci_signing_key_t *key,
                                  const char *text, apr_pool_t *pool);

/**
 * Verify the signature of a text of length bytes.
 * @param signature,size In the form of RFC 7518
 * @return 1 if this key made it, otherwise 0
 */
int oci_signing_key_verify(const oci_signing_key_t *key, const char *text,
                           apr_size_t length, const unsigned char *signature,
                           apr_size_t size);

#endif /* OCI_SIGNING_H */
