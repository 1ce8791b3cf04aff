/* SPDX-License-Identifier: Apache-2.0 */

/* The keys that sign and verify tokens: reading them from the text of a file,
 * and making a new one. */

#include "values/key_set.h"

#include <string.h>

#include <jansson.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "apr_lib.h"
#include "apr_strings.h"

#include "values/base64url.h"

#define SECRET_PREFIX    "secret:"
#define SECRET_BYTES_MIN 32

/* The number of verified tokens that are remembered. */
#define VERIFIED_MAX 4096

#define ENCRYPTED_KEY \
    "a private key is encrypted; store it without a passphrase"

static const char *add_pkey(oci_key_set_t *keys, EVP_PKEY *pkey, int can_sign)
{
    if (!pkey) {
        return "a key cannot be read";
    }
    return oci_signing_key_wrap(apr_array_push(keys->list), pkey, can_sign,
                                keys->list->pool);
}

/* Add one object of a PEM file.
 * @param name The label in its first line */
static const char *add_pem(oci_key_set_t *keys, const char *name,
                           const unsigned char *data, long size)
{
    apr_size_t length = strlen(name);
    X509 *certificate;
    EVP_PKEY *pkey;

    if (!strcmp(name, "PUBLIC KEY")) {
        return add_pkey(keys, d2i_PUBKEY(NULL, &data, size), 0);
    }
    if (!strcmp(name, "RSA PUBLIC KEY")) {
        return add_pkey(keys, d2i_PublicKey(EVP_PKEY_RSA, NULL, &data, size),
                        0);
    }
    if (!strcmp(name, "CERTIFICATE")) {
        certificate = d2i_X509(NULL, &data, size);
        pkey = certificate ? X509_get_pubkey(certificate) : NULL;
        X509_free(certificate);
        return add_pkey(keys, pkey, 0);
    }
    if (!strcmp(name, "ENCRYPTED PRIVATE KEY")) {
        return ENCRYPTED_KEY;
    }
    if (length >= 11 && !strcmp(name + length - 11, "PRIVATE KEY")) {
        return add_pkey(keys, d2i_AutoPrivateKey(NULL, &data, size), 1);
    }
    return NULL; /* such as EC PARAMETERS */
}

static const char *read_pem(oci_key_set_t *keys, const char *text,
                            apr_size_t size)
{
    BIO *bio = BIO_new_mem_buf(text, (int)size);
    const char *problem = NULL;
    char *name, *header;
    unsigned char *data;
    long length;

    while (!problem && PEM_read_bio(bio, &name, &header, &data, &length)) {
        problem = *header ? ENCRYPTED_KEY : add_pem(keys, name, data, length);
        OPENSSL_free(name);
        OPENSSL_free(header);
        OPENSSL_clear_free(data, length);
    }
    BIO_free(bio);
    return problem;
}

/* Whether a member of a JSON Web Key is absent, or one of two values. */
static int is_one_of(const json_t *jwk, const char *member, const char *first,
                     const char *second)
{
    const json_t *value = json_object_get(jwk, member);
    const char *text = json_string_value(value);

    return !value || (text && (!strcmp(text, first) || !strcmp(text, second)));
}

/* A set may contain keys for other purposes, which are skipped. */
static int is_usable_jwk(const json_t *jwk)
{
    return json_object_get(jwk, "kty") && is_one_of(jwk, "kty", "EC", "RSA")
        && is_one_of(jwk, "use", "sig", "sig")
        && is_one_of(jwk, "alg", "ES256", "RS256")
        && is_one_of(jwk, "crv", "P-256", "P-256");
}

static const char *add_jwk(oci_key_set_t *keys, const json_t *jwk)
{
    apr_pool_t *pool = keys->list->pool;
    const char *type = json_string_value(json_object_get(jwk, "kty"));
    const char *id = json_string_value(json_object_get(jwk, "kid"));
    const char *names[2];
    unsigned char *numbers[2];
    apr_size_t sizes[2];
    const char *problem;
    int i;

    if (!is_usable_jwk(jwk)) {
        return NULL;
    }
    names[0] = *type == 'E' ? "x" : "n";
    names[1] = *type == 'E' ? "y" : "e";
    for (i = 0; i < 2; i++) {
        const json_t *number = json_object_get(jwk, names[i]);

        if (!json_is_string(number)
            || oci_base64url_decode(&numbers[i], &sizes[i],
                                    json_string_value(number),
                                    json_string_length(number), pool)
                != APR_SUCCESS) {
            return apr_psprintf(pool, "a key of the set has no valid \"%s\"",
                                names[i]);
        }
    }
    problem = add_pkey(keys,
                       oci_signing_key_of_numbers(type, numbers[0], sizes[0],
                                                  numbers[1], sizes[1]),
                       0);
    if (!problem && id) {
        APR_ARRAY_IDX(keys->list, keys->list->nelts - 1, oci_signing_key_t)
            .id = apr_pstrdup(pool, id);
    }
    return problem;
}

static const char *read_jwks(oci_key_set_t *keys, const char *text,
                             apr_size_t size)
{
    json_t *root = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
    const json_t *set = json_object_get(root, "keys");
    const json_t *jwk;
    const char *problem = NULL;
    apr_size_t i;

    if (!json_is_array(set)) {
        problem = "it is not a JSON Web Key Set";
    }
    json_array_foreach(set, i, jwk)
    {
        if (!problem) {
            problem = add_jwk(keys, jwk);
        }
    }
    json_decref(root);
    return problem;
}

/* A secret needs its prefix, so that public data, such as a public key in an
 * unknown format, is never used as a secret. */
static const char *read_secret(oci_key_set_t *keys, const char *text,
                               apr_size_t size)
{
    apr_pool_t *pool = keys->list->pool;
    apr_size_t i;
    oci_signing_key_t *key;

    while (size && apr_isspace(text[size - 1])) {
        size--;
    }
    for (; size && apr_isspace(*text); size--) {
        text++;
    }
    for (i = 0; i < size && apr_isgraph(text[i]); i++) {
        continue;
    }
    if (i < size || size < SECRET_BYTES_MIN) {
        return "the text after \"" SECRET_PREFIX
               "\" is not a valid secret: expected " APR_STRINGIFY(
                   SECRET_BYTES_MIN) " or more printable "
                                     "characters without spaces";
    }
    key = apr_array_push(keys->list);
    memset(key, 0, sizeof(*key));
    key->algorithm = "HS256";
    key->secret = apr_pstrmemdup(pool, text, size);
    key->secret_size = size;
    key->can_sign = 1;
    return NULL;
}

const char *oci_key_set_read(oci_key_set_t **keys, const char *text,
                             apr_size_t size, apr_pool_t *pool)
{
    const char *problem;

    *keys = apr_palloc(pool, sizeof(**keys));
    (*keys)->list = apr_array_make(pool, 2, sizeof(oci_signing_key_t));
    if (oci_known_set_create(&(*keys)->verified, VERIFIED_MAX, pool)
        != APR_SUCCESS) {
        return "the system cannot create a mutex";
    }
    if (strstr(text, "-----BEGIN ")) {
        problem = read_pem(*keys, text, size);
    }
    else if (*text == '{') {
        problem = read_jwks(*keys, text, size);
    }
    else if (!strncmp(text, SECRET_PREFIX, strlen(SECRET_PREFIX))) {
        problem = read_secret(*keys, text + strlen(SECRET_PREFIX),
                              size - strlen(SECRET_PREFIX));
    }
    else {
        problem = "it contains no key: expected PEM, a JSON Web Key Set, or "
                  "\"" SECRET_PREFIX "\" and " APR_STRINGIFY(
                      SECRET_BYTES_MIN) " or more printable characters";
    }
    ERR_clear_error();
    if (!problem && !(*keys)->list->nelts) {
        problem = "it contains no key that can be used";
    }
    return problem;
}

const char *oci_key_set_make(const char **pem, apr_pool_t *pool)
{
    EVP_PKEY *pkey = EVP_EC_gen("P-256");
    BIO *bio = BIO_new(BIO_s_mem());
    char *text;
    long size;

    *pem = NULL;
    if (pkey && bio
        && PEM_write_bio_PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL)) {
        size = BIO_get_mem_data(bio, &text);
        *pem = apr_pstrmemdup(pool, text, size);
    }
    BIO_free(bio);
    EVP_PKEY_free(pkey);
    return *pem ? NULL : "OpenSSL cannot create a key";
}

const oci_signing_key_t *oci_key_set_signer(const oci_key_set_t *keys)
{
    int i;

    for (i = 0; i < keys->list->nelts; i++) {
        const oci_signing_key_t *key = &APR_ARRAY_IDX(keys->list, i,
                                                      oci_signing_key_t);

        if (key->can_sign) {
            return key;
        }
    }
    return NULL;
}

static int is_same(const oci_signing_key_t *key, const oci_signing_key_t *other)
{
    if (key->id || other->id) {
        return key->id && other->id && !strcmp(key->id, other->id);
    }
    return key->secret_size == other->secret_size
        && !memcmp(key->secret, other->secret, key->secret_size);
}

int oci_key_set_has(const oci_key_set_t *keys, const oci_signing_key_t *key)
{
    int i;

    for (i = 0; i < keys->list->nelts; i++) {
        if (is_same(key, &APR_ARRAY_IDX(keys->list, i, oci_signing_key_t))) {
            return 1;
        }
    }
    return 0;
}
