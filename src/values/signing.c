/* SPDX-License-Identifier: Apache-2.0 */

/* Signing and verifying text with a key, by means of OpenSSL. */

#include "values/signing.h"

#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/hmac.h>
#include <openssl/param_build.h>

#include "apr_strings.h"

#include "values/base64url.h"

/* A coordinate of P-256 and each half of its signatures, in bytes. */
#define P256_BYTES 32

/* The longest signature of P-256 in DER: two numbers of 33 bytes with heads
 * of 2 bytes each, and a head of 2 bytes for both. */
#define DER_BYTES 72

#define RSA_BITS_MIN 2048

static apr_status_t free_pkey(void *pkey)
{
    EVP_PKEY_free(pkey);
    return APR_SUCCESS;
}

/* Encode a number of a key in base64url.
 * @param width Bytes of the number; 0 for as few as possible
 * @return NULL if the key has no such number, or it is larger */
static const char *number_text(EVP_PKEY *pkey, const char *name, int width,
                               apr_pool_t *pool)
{
    BIGNUM *number = NULL;
    unsigned char *bytes;
    const char *text = NULL;

    if (EVP_PKEY_get_bn_param(pkey, name, &number)) {
        if (!width) {
            width = BN_num_bytes(number);
        }
        bytes = apr_palloc(pool, width);
        if (BN_bn2binpad(number, bytes, width) == width) {
            text = oci_base64url_encode(bytes, width, pool);
        }
    }
    BN_free(number);
    return text;
}

static const char *thumbprint(const char *members, apr_pool_t *pool)
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned size;

    if (!EVP_Digest(members, strlen(members), hash, &size, EVP_sha256(),
                    NULL)) {
        return NULL;
    }
    return oci_base64url_encode(hash, size, pool);
}

static const char *wrap_ec(oci_signing_key_t *key, apr_pool_t *pool)
{
    char group[40] = "";
    const char *x, *y;

    EVP_PKEY_get_group_name(key->pkey, group, sizeof(group), NULL);
    if (strcmp(group, "prime256v1") && strcmp(group, "P-256")) {
        return apr_psprintf(pool, "an EC key has the curve %s: expected P-256",
                            group);
    }
    x = number_text(key->pkey, OSSL_PKEY_PARAM_EC_PUB_X, P256_BYTES, pool);
    y = number_text(key->pkey, OSSL_PKEY_PARAM_EC_PUB_Y, P256_BYTES, pool);
    if (!x || !y) {
        return "an EC key has no public part";
    }
    key->algorithm = "ES256";
    key->id = thumbprint(apr_pstrcat(pool,
                                     "{\"crv\":\"P-256\",\"kty\":"
                                     "\"EC\",\"x\":\"",
                                     x, "\",\"y\":\"", y, "\"}", NULL),
                         pool);
    return NULL;
}

static const char *wrap_rsa(oci_signing_key_t *key, apr_pool_t *pool)
{
    const char *n = number_text(key->pkey, OSSL_PKEY_PARAM_RSA_N, 0, pool);
    const char *e = number_text(key->pkey, OSSL_PKEY_PARAM_RSA_E, 0, pool);

    if (!n || !e || EVP_PKEY_get_bits(key->pkey) < RSA_BITS_MIN) {
        return "an RSA key has fewer than " APR_STRINGIFY(RSA_BITS_MIN) " bits";
    }
    key->algorithm = "RS256";
    key->id = thumbprint(apr_pstrcat(pool, "{\"e\":\"", e,
                                     "\",\"kty\":\"RSA\",\"n\":\"", n, "\"}",
                                     NULL),
                         pool);
    return NULL;
}

/* Whether a key is consistent; a private key must also match its public
 * part. */
static int passes_check(EVP_PKEY *pkey, int can_sign)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(pkey, NULL);
    int sound = context
        && (can_sign ? EVP_PKEY_pairwise_check(context)
                     : EVP_PKEY_public_check(context))
            > 0;

    EVP_PKEY_CTX_free(context);
    return sound;
}

static const char *wrap_pkey(oci_signing_key_t *key, apr_pool_t *pool)
{
    switch (EVP_PKEY_get_base_id(key->pkey)) {
    case EVP_PKEY_EC:
        return wrap_ec(key, pool);
    case EVP_PKEY_RSA:
        return wrap_rsa(key, pool);
    default:
        return "a key is neither an EC nor an RSA key";
    }
}

const char *oci_signing_key_wrap(oci_signing_key_t *key, EVP_PKEY *pkey,
                                 int can_sign, apr_pool_t *pool)
{
    const char *problem;

    memset(key, 0, sizeof(*key));
    key->pkey = pkey;
    key->can_sign = can_sign;
    apr_pool_cleanup_register(pool, pkey, free_pkey, apr_pool_cleanup_null);
    problem = wrap_pkey(key, pool);
    return problem || passes_check(pkey, can_sign) ? problem
                                                   : "a key is damaged";
}

static EVP_PKEY *build_public_key(const char *type, OSSL_PARAM_BLD *parameters)
{
    OSSL_PARAM *list = OSSL_PARAM_BLD_to_param(parameters);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    EVP_PKEY *pkey = NULL;

    if (list && context && EVP_PKEY_fromdata_init(context) > 0
        && EVP_PKEY_fromdata(context, &pkey, EVP_PKEY_PUBLIC_KEY, list) <= 0) {
        pkey = NULL;
    }
    EVP_PKEY_CTX_free(context);
    OSSL_PARAM_free(list);
    return pkey;
}

static EVP_PKEY *make_ec_key(OSSL_PARAM_BLD *parameters, const unsigned char *x,
                             apr_size_t x_size, const unsigned char *y,
                             apr_size_t y_size)
{
    unsigned char point[1 + 2 * P256_BYTES] = { POINT_CONVERSION_UNCOMPRESSED };

    if (x_size != P256_BYTES || y_size != P256_BYTES) {
        return NULL;
    }
    memcpy(point + 1, x, P256_BYTES);
    memcpy(point + 1 + P256_BYTES, y, P256_BYTES);
    return OSSL_PARAM_BLD_push_utf8_string(parameters,
                                           OSSL_PKEY_PARAM_GROUP_NAME,
                                           "prime256v1", 0)
            && OSSL_PARAM_BLD_push_octet_string(parameters,
                                                OSSL_PKEY_PARAM_PUB_KEY, point,
                                                sizeof(point))
        ? build_public_key("EC", parameters)
        : NULL;
}

static EVP_PKEY *make_rsa_key(OSSL_PARAM_BLD *parameters,
                              const unsigned char *n, apr_size_t n_size,
                              const unsigned char *e, apr_size_t e_size)
{
    BIGNUM *modulus = BN_bin2bn(n, (int)n_size, NULL);
    BIGNUM *exponent = BN_bin2bn(e, (int)e_size, NULL);
    EVP_PKEY *pkey = NULL;

    if (modulus && exponent
        && OSSL_PARAM_BLD_push_BN(parameters, OSSL_PKEY_PARAM_RSA_N, modulus)
        && OSSL_PARAM_BLD_push_BN(parameters, OSSL_PKEY_PARAM_RSA_E,
                                  exponent)) {
        pkey = build_public_key("RSA", parameters);
    }
    BN_free(modulus);
    BN_free(exponent);
    return pkey;
}

EVP_PKEY *oci_signing_key_of_numbers(const char *type,
                                     const unsigned char *first,
                                     apr_size_t first_size,
                                     const unsigned char *second,
                                     apr_size_t second_size)
{
    OSSL_PARAM_BLD *parameters = OSSL_PARAM_BLD_new();
    EVP_PKEY *pkey = NULL;

    if (parameters && !strcmp(type, "EC")) {
        pkey = make_ec_key(parameters, first, first_size, second, second_size);
    }
    else if (parameters && !strcmp(type, "RSA")) {
        pkey = make_rsa_key(parameters, first, first_size, second, second_size);
    }
    OSSL_PARAM_BLD_free(parameters);
    return pkey;
}

static void hmac(unsigned char *mac, const oci_signing_key_t *key,
                 const char *text, apr_size_t length)
{
    HMAC(EVP_sha256(), key->secret, (int)key->secret_size,
         (const unsigned char *)text, length, mac, NULL);
}

/* Convert an ECDSA signature from DER, which OpenSSL uses, to two numbers of
 * fixed width, which RFC 7518 (3.4) uses. */
static apr_status_t raw_from_der(unsigned char **signature, apr_size_t *size,
                                 apr_pool_t *pool)
{
    const unsigned char *der = *signature;
    unsigned char *raw = apr_palloc(pool, 2 * P256_BYTES);
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &der, (long)*size);
    int succeeded = pair
        && BN_bn2binpad(ECDSA_SIG_get0_r(pair), raw, P256_BYTES) >= 0
        && BN_bn2binpad(ECDSA_SIG_get0_s(pair), raw + P256_BYTES, P256_BYTES)
            >= 0;

    ECDSA_SIG_free(pair);
    *signature = raw;
    *size = 2 * P256_BYTES;
    return succeeded ? APR_SUCCESS : APR_EGENERAL;
}

/* The reverse conversion.
 * @param der Room for DER_BYTES */
static apr_status_t der_from_raw(unsigned char *der, apr_size_t *size,
                                 const unsigned char *raw)
{
    ECDSA_SIG *pair = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(raw, P256_BYTES, NULL);
    BIGNUM *s = BN_bin2bn(raw + P256_BYTES, P256_BYTES, NULL);
    int length;

    if (!pair || !r || !s || !ECDSA_SIG_set0(pair, r, s)) {
        BN_free(r);
        BN_free(s);
        ECDSA_SIG_free(pair);
        return APR_ENOMEM;
    }
    length = i2d_ECDSA_SIG(pair, NULL);
    *size = length > 0 && length <= DER_BYTES ? i2d_ECDSA_SIG(pair, &der) : 0;
    ECDSA_SIG_free(pair);
    return *size ? APR_SUCCESS : APR_EINVAL;
}

apr_status_t oci_signing_key_sign(unsigned char **signature, apr_size_t *size,
                                  const oci_signing_key_t *key,
                                  const char *text, apr_pool_t *pool)
{
    EVP_MD_CTX *context;
    int succeeded;

    if (!key->pkey) {
        *size = 32;
        *signature = apr_palloc(pool, *size);
        hmac(*signature, key, text, strlen(text));
        return APR_SUCCESS;
    }
    context = EVP_MD_CTX_new();
    *size = EVP_PKEY_get_size(key->pkey);
    *signature = apr_palloc(pool, *size);
    succeeded = context
        && EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key->pkey) > 0
        && EVP_DigestSign(context, *signature, size,
                          (const unsigned char *)text, strlen(text))
            > 0;
    EVP_MD_CTX_free(context);
    if (!succeeded) {
        ERR_clear_error();
        return APR_EGENERAL;
    }
    return strcmp(key->algorithm, "ES256")
        ? APR_SUCCESS
        : raw_from_der(signature, size, pool);
}

int oci_signing_key_verify(const oci_signing_key_t *key, const char *text,
                           apr_size_t length, const unsigned char *signature,
                           apr_size_t size)
{
    EVP_MD_CTX *context;
    unsigned char mac[32];
    unsigned char der[DER_BYTES];
    int succeeded;

    if (!key->pkey) {
        hmac(mac, key, text, length);
        return size == sizeof(mac) && !CRYPTO_memcmp(mac, signature, size);
    }
    if (!strcmp(key->algorithm, "ES256")) {
        if (size != 2 * P256_BYTES
            || der_from_raw(der, &size, signature) != APR_SUCCESS) {
            return 0;
        }
        signature = der;
    }
    context = EVP_MD_CTX_new();
    succeeded = context
        && EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key->pkey)
            > 0
        && EVP_DigestVerify(context, signature, size,
                            (const unsigned char *)text, length)
            == 1;
    EVP_MD_CTX_free(context);
    if (!succeeded) {
        /* mod_ssl would mistake errors left in the queue for its own */
        ERR_clear_error();
    }
    return succeeded;
}
