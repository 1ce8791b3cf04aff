/* SPDX-License-Identifier: Apache-2.0 */

/* Signing and verifying with keys. */

#include "start_pool.h"
#include "tap.h"

#include <openssl/ec.h>
#include <openssl/rsa.h>

#include "apr_strings.h"

#include "rfc7515.h"
#include "values/base64url.h"
#include "values/signing.h"

static unsigned char *bytes_of(const char *text, apr_size_t *size,
                               apr_pool_t *pool)
{
    unsigned char *data = NULL;

    oci_base64url_decode(&data, size, text, strlen(text), pool);
    return data;
}

/* Make a public key from two numbers in base64url. */
static const char *public_key(oci_signing_key_t *key, const char *type,
                              const char *first, const char *second,
                              apr_pool_t *pool)
{
    apr_size_t first_size, second_size;
    unsigned char *one = bytes_of(first, &first_size, pool);
    unsigned char *two = bytes_of(second, &second_size, pool);
    EVP_PKEY *pkey = oci_signing_key_of_numbers(type, one, first_size, two,
                                                second_size);

    return pkey ? oci_signing_key_wrap(key, pkey, 0, pool) : "no key";
}

/* A valid signature, and every way to make it invalid. */
static void test_verify(tap_t *tap, const oci_signing_key_t *key,
                        const char *text, const char *encoded, apr_pool_t *pool)
{
    apr_size_t size, i;
    unsigned char *signature = bytes_of(encoded, &size, pool);
    char *other = apr_pstrdup(pool, text);
    int spoiled = 0;

    tap_ok(tap,
           oci_signing_key_verify(key, text, strlen(text), signature, size),
           "%s: the example", key->algorithm);
    other[strlen(other) - 1] ^= 1;
    tap_ok(tap,
           !oci_signing_key_verify(key, other, strlen(other), signature, size),
           "%s: another text", key->algorithm);
    tap_ok(tap,
           !oci_signing_key_verify(key, text, strlen(text) - 1, signature,
                                   size),
           "%s: a shorter text", key->algorithm);
    tap_ok(tap,
           !oci_signing_key_verify(key, text, strlen(text), signature,
                                   size - 1),
           "%s: a shorter signature", key->algorithm);
    tap_ok(tap, !oci_signing_key_verify(key, text, strlen(text), signature, 0),
           "%s: an empty signature", key->algorithm);
    for (i = 0; i < size; i++) {
        signature[i] ^= 0x10;
        spoiled += !oci_signing_key_verify(key, text, strlen(text), signature,
                                           size);
        signature[i] ^= 0x10;
    }
    tap_ok(tap, spoiled == (int)size, "%s: any byte changed", key->algorithm);
    memset(signature, 0, size);
    tap_ok(tap,
           !oci_signing_key_verify(key, text, strlen(text), signature, size),
           "%s: zeros", key->algorithm);
}

/* Only the key that signed a text verifies its signature. */
static void test_sign(tap_t *tap, EVP_PKEY *pkey,
                      const oci_signing_key_t *other, apr_pool_t *pool)
{
    oci_signing_key_t key;
    unsigned char *signature;
    apr_size_t size;
    int i, good = 0;

    tap_is(tap, oci_signing_key_wrap(&key, pkey, 1, pool), NULL, "a new key");
    for (i = 0; i < 40; i++) {
        const char *text = apr_psprintf(pool, "text %d", i);

        good += oci_signing_key_sign(&signature, &size, &key, text, pool)
                == APR_SUCCESS
            && oci_signing_key_verify(&key, text, strlen(text), signature, size)
            && !oci_signing_key_verify(other, text, strlen(text), signature,
                                       size);
    }
    tap_ok(tap, good == 40, "%s: signs and verifies", key.algorithm);
}

static void test_secret(tap_t *tap, apr_pool_t *pool)
{
    oci_signing_key_t key;
    unsigned char *signature;
    apr_size_t size;

    memset(&key, 0, sizeof(key));
    key.algorithm = "HS256";
    key.secret = (char *)bytes_of(RFC_HS_SECRET, &key.secret_size, pool);
    test_verify(tap, &key, RFC_HS_TEXT, RFC_HS_SIGNATURE, pool);
    tap_ok(tap,
           oci_signing_key_sign(&signature, &size, &key, RFC_HS_TEXT, pool)
               == APR_SUCCESS,
           "HS256 signs");
    tap_is(tap, oci_base64url_encode(signature, size, pool), RFC_HS_SIGNATURE,
           "with the signature of the example");
}

int main(void)
{
    tap_t tap = { 0, 0 };
    apr_pool_t *pool = start_pool();
    oci_signing_key_t ec, rsa, key;

    test_secret(&tap, pool);

    tap_is(&tap, public_key(&rsa, "RSA", RFC_RS_N, "AQAB", pool), NULL,
           "an RSA key");
    test_verify(&tap, &rsa, RFC_RS_TEXT, RFC_RS_SIGNATURE, pool);
    tap_is(&tap, public_key(&ec, "EC", RFC_ES_X, RFC_ES_Y, pool), NULL,
           "an EC key");
    test_verify(&tap, &ec, RFC_ES_TEXT, RFC_ES_SIGNATURE, pool);

    tap_is(&tap, public_key(&key, "RSA", RFC_PRINT_N, "AQAB", pool), NULL,
           "the key of RFC 7638");
    tap_is(&tap, key.id, RFC_PRINT, "and its thumbprint");

    test_sign(&tap, EVP_EC_gen("P-256"), &ec, pool);
    test_sign(&tap, EVP_RSA_gen(2048), &rsa, pool);

    tap_is(&tap, public_key(&key, "EC", RFC_ES_Y, RFC_ES_X, pool), "no key",
           "a point that is not on the curve");
    tap_is(&tap, public_key(&key, "EC", RFC_ES_X, "AQAB", pool), "no key",
           "a number that is too short");
    tap_is(&tap, public_key(&key, "oct", RFC_ES_X, RFC_ES_Y, pool), "no key",
           "another type of key");
    tap_is(&tap, oci_signing_key_wrap(&key, EVP_EC_gen("P-384"), 1, pool),
           "an EC key has the curve secp384r1: expected P-256",
           "another curve");
    tap_is(&tap, oci_signing_key_wrap(&key, EVP_RSA_gen(1024), 1, pool),
           "an RSA key has fewer than 2048 bits", "a weak key");
    tap_is(&tap,
           oci_signing_key_wrap(&key, EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"),
                                1, pool),
           "a key is neither an EC nor an RSA key", "an Ed25519 key");
    return tap_done(&tap);
}
