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

#include "spec/jwt.h"

#include <string.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "apr_lib.h"
#include "apr_strings.h"

#include "spec/base64url.h"
#include "spec/json.h"
#include "spec/signing.h"

#define SECRET_BYTES_MIN 32

struct oci_keys_t {
    apr_array_header_t *list;  /* oci_key_t */
};

static const char *add_pkey(oci_keys_t *keys, EVP_PKEY *pkey, int can_sign)
{
    if (!pkey) {
        return "a key can't be read";
    }
    return oci_key_wrap(apr_array_push(keys->list), pkey, can_sign,
                        keys->list->pool);
}

/* One object of a PEM file, by what its first line says. */
static const char *add_pem(oci_keys_t *keys, const char *name,
                           const unsigned char *data, long size)
{
    apr_size_t length = strlen(name);
    X509 *certificate;
    EVP_PKEY *pkey;

    if (!strcmp(name, "PUBLIC KEY")) {
        return add_pkey(keys, d2i_PUBKEY(NULL, &data, size), 0);
    }
    if (!strcmp(name, "CERTIFICATE")) {
        certificate = d2i_X509(NULL, &data, size);
        pkey = certificate ? X509_get_pubkey(certificate) : NULL;
        X509_free(certificate);
        return add_pkey(keys, pkey, 0);
    }
    if (!strcmp(name, "ENCRYPTED PRIVATE KEY")) {
        return "a private key is encrypted";
    }
    if (length >= 11 && !strcmp(name + length - 11, "PRIVATE KEY")) {
        return add_pkey(keys, d2i_AutoPrivateKey(NULL, &data, size), 1);
    }
    return NULL;   /* such as EC PARAMETERS */
}

static const char *read_pem(oci_keys_t *keys, const char *text,
                            apr_size_t size)
{
    BIO *bio = BIO_new_mem_buf(text, (int)size);
    const char *problem = NULL;
    char *name, *header;
    unsigned char *data;
    long length;

    while (!problem && PEM_read_bio(bio, &name, &header, &data, &length)) {
        problem = *header ? "a private key is encrypted"
                          : add_pem(keys, name, data, length);
        OPENSSL_free(name);
        OPENSSL_free(header);
        OPENSSL_clear_free(data, length);
    }
    BIO_free(bio);
    ERR_clear_error();
    return problem;
}

static const char *add_jwk(oci_keys_t *keys, const json_t *jwk)
{
    apr_pool_t *pool = keys->list->pool;
    const char *type = json_string_value(json_object_get(jwk, "kty"));
    const char *id = json_string_value(json_object_get(jwk, "kid"));
    const char *names[2];
    unsigned char *numbers[2];
    apr_size_t sizes[2];
    const char *problem;
    int i;

    if (!type || (strcmp(type, "EC") && strcmp(type, "RSA"))) {
        return NULL;   /* of a kind that we don't verify */
    }
    names[0] = *type == 'E' ? "x" : "n";
    names[1] = *type == 'E' ? "y" : "e";
    for (i = 0; i < 2; i++) {
        const json_t *number = json_object_get(jwk, names[i]);

        if (!json_is_string(number)
            || oci_base64url_decode(&numbers[i], &sizes[i],
                                    json_string_value(number),
                                    json_string_length(number), pool)) {
            return apr_psprintf(pool, "a key of the set lacks %s", names[i]);
        }
    }
    problem = add_pkey(keys, oci_key_of_numbers(type, numbers[0], sizes[0],
                                                numbers[1], sizes[1]), 0);
    if (!problem && id) {
        APR_ARRAY_IDX(keys->list, keys->list->nelts - 1, oci_key_t).id
            = apr_pstrdup(pool, id);
    }
    return problem;
}

static const char *read_jwks(oci_keys_t *keys, const char *text,
                             apr_size_t size)
{
    json_t *root = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
    const json_t *set = json_object_get(root, "keys");
    const json_t *jwk;
    const char *problem = NULL;
    apr_size_t i;

    if (!json_is_array(set)) {
        problem = "it is no JSON Web Key Set";
    }
    json_array_foreach (set, i, jwk) {
        if (!problem) {
            problem = add_jwk(keys, jwk);
        }
    }
    json_decref(root);
    return problem;
}

static const char *read_secret(oci_keys_t *keys, const char *text,
                               apr_size_t size)
{
    oci_key_t *key;

    while (size && apr_isspace(text[size - 1])) {
        size--;
    }
    if (size < SECRET_BYTES_MIN) {
        return "it is neither PEM nor a JSON Web Key Set, and too short for "
               "a secret, which has " APR_STRINGIFY(SECRET_BYTES_MIN)
               " bytes at least";
    }
    key = apr_array_push(keys->list);
    memset(key, 0, sizeof(*key));
    key->algorithm = "HS256";
    key->secret = apr_pstrmemdup(keys->list->pool, text, size);
    key->secret_size = size;
    key->can_sign = 1;
    return NULL;
}

const char *oci_keys_read(oci_keys_t **keys, const char *text,
                          apr_size_t size, apr_pool_t *pool)
{
    const char *problem;

    *keys = apr_palloc(pool, sizeof(**keys));
    (*keys)->list = apr_array_make(pool, 2, sizeof(oci_key_t));
    if (strstr(text, "-----BEGIN ")) {
        problem = read_pem(*keys, text, size);
    }
    else if (*text == '{') {
        problem = read_jwks(*keys, text, size);
    }
    else {
        problem = read_secret(*keys, text, size);
    }
    return problem || (*keys)->list->nelts ? problem
                                           : "there is no key in it";
}

const char *oci_keys_make(const char **pem, apr_pool_t *pool)
{
    EVP_PKEY *pkey = EVP_EC_gen("P-256");
    BIO *bio = BIO_new(BIO_s_mem());
    char *text;
    long size;

    *pem = NULL;
    if (pkey && bio && PEM_write_bio_PrivateKey(bio, pkey, NULL, NULL, 0,
                                                NULL, NULL)) {
        size = BIO_get_mem_data(bio, &text);
        *pem = apr_pstrmemdup(pool, text, size);
    }
    BIO_free(bio);
    EVP_PKEY_free(pkey);
    return *pem ? NULL : "OpenSSL can't make a key";
}

static const oci_key_t *signing_key(const oci_keys_t *keys)
{
    int i;

    for (i = 0; i < keys->list->nelts; i++) {
        const oci_key_t *key = &APR_ARRAY_IDX(keys->list, i, oci_key_t);

        if (key->can_sign) {
            return key;
        }
    }
    return NULL;
}

int oci_keys_can_sign(const oci_keys_t *keys)
{
    return signing_key(keys) != NULL;
}

static const char *encode_text(const char *text, apr_pool_t *pool)
{
    return oci_base64url_encode(text, strlen(text), pool);
}

const char *oci_jwt_sign(const oci_keys_t *keys, const json_t *claims,
                         apr_pool_t *pool)
{
    const oci_key_t *key = signing_key(keys);
    const char *header, *text;
    unsigned char *signature;
    apr_size_t size;

    if (!key) {
        return NULL;
    }
    header = apr_pstrcat(pool, "{\"alg\":\"", key->algorithm,
                         "\",\"typ\":\"JWT\"", key->id ? ",\"kid\":\"" : "}",
                         key->id, "\"}", NULL);
    text = apr_pstrcat(pool, encode_text(header, pool), ".",
                       encode_text(oci_json_text(claims, pool), pool), NULL);
    if (oci_key_sign(&signature, &size, key, text, pool)) {
        return NULL;
    }
    return apr_pstrcat(pool, text, ".",
                       oci_base64url_encode(signature, size, pool), NULL);
}

static apr_status_t release_json(void *json)
{
    json_decref(json);
    return APR_SUCCESS;
}

/* One part of a token, a JSON object. */
static json_t *decode_object(const char *text, apr_size_t length,
                             apr_pool_t *pool)
{
    unsigned char *data;
    apr_size_t size;
    json_t *json;

    if (oci_base64url_decode(&data, &size, text, length, pool)) {
        return NULL;
    }
    json = json_loadb((char *)data, size, JSON_REJECT_DUPLICATES, NULL);
    apr_pool_cleanup_register(pool, json, release_json,
                              apr_pool_cleanup_null);
    return json_is_object(json) ? json : NULL;
}

/* A key is tried if the header names it, or names none, and names its
 * algorithm. */
static int fits(const oci_key_t *key, const json_t *header)
{
    const char *algorithm = json_string_value(json_object_get(header,
                                                              "alg"));
    const json_t *id = json_object_get(header, "kid");

    return algorithm && !strcmp(algorithm, key->algorithm)
           && (!id || !key->id
               || (json_is_string(id)
                   && !strcmp(json_string_value(id), key->id)));
}

const char *oci_jwt_verify(json_t **claims, const oci_keys_t *keys,
                           const char *token, apr_pool_t *pool)
{
    const char *first = strchr(token, '.');
    const char *second = first ? strchr(first + 1, '.') : NULL;
    unsigned char *signature;
    apr_size_t size;
    json_t *header;
    int i;

    if (!second
        || !(header = decode_object(token, first - token, pool))
        || !(*claims = decode_object(first + 1, second - first - 1, pool))
        || oci_base64url_decode(&signature, &size, second + 1,
                                strlen(second + 1), pool)) {
        return "it is no JSON Web Token";
    }
    if (json_object_get(header, "crit")) {
        return "its header asks for an extension that is not known";
    }
    for (i = 0; i < keys->list->nelts; i++) {
        const oci_key_t *key = &APR_ARRAY_IDX(keys->list, i, oci_key_t);

        if (fits(key, header)
            && oci_key_verify(key, token, second - token, signature, size,
                              pool)) {
            return NULL;
        }
    }
    return "none of our keys signed it";
}
