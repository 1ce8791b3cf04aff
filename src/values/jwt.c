/* SPDX-License-Identifier: Apache-2.0 */

/* Signing and verifying JSON Web Tokens (RFC 7519, 7515). */

#include "values/jwt.h"

#include <string.h>

#include <openssl/sha.h>

#include "apr_strings.h"

#include "values/base64url.h"
#include "values/json.h"

static const char *encode_text(const char *text, apr_pool_t *pool)
{
    return oci_base64url_encode(text, strlen(text), pool);
}

const char *oci_jwt_sign(const oci_key_set_t *keys, const json_t *claims,
                         apr_pool_t *pool)
{
    const oci_signing_key_t *key = oci_key_set_signer(keys);
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
    if (oci_signing_key_sign(&signature, &size, key, text, pool)
        != APR_SUCCESS) {
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

/* Decode one part of a token, NULL if it is not a JSON object. */
static json_t *decode_object(const char *text, apr_size_t length,
                             apr_pool_t *pool)
{
    unsigned char *data;
    apr_size_t size;
    json_t *json;

    if (oci_base64url_decode(&data, &size, text, length, pool) != APR_SUCCESS) {
        return NULL;
    }
    json = json_loadb((char *)data, size, JSON_REJECT_DUPLICATES, NULL);
    apr_pool_cleanup_register(pool, json, release_json, apr_pool_cleanup_null);
    return json_is_object(json) ? json : NULL;
}

/* Whether a key should be tried: the header names its algorithm, and does not
 * name a different "kid". */
static int may_verify(const oci_signing_key_t *key, const json_t *header)
{
    const char *algorithm = json_string_value(json_object_get(header, "alg"));
    const json_t *id = json_object_get(header, "kid");

    return algorithm && !strcmp(algorithm, key->algorithm)
        && (!id || !key->id
            || (json_is_string(id) && !strcmp(json_string_value(id), key->id)));
}

/* Whether one of the keys verifies the signature of the text before dot. */
static int has_valid_signature(const oci_key_set_t *keys, const json_t *header,
                               const char *token, const char *dot,
                               apr_pool_t *pool)
{
    unsigned char *signature;
    apr_size_t size;
    int i;

    if (oci_base64url_decode(&signature, &size, dot + 1, strlen(dot + 1), pool)
        != APR_SUCCESS) {
        return 0;
    }
    for (i = 0; i < keys->list->nelts; i++) {
        const oci_signing_key_t *key = &APR_ARRAY_IDX(keys->list, i,
                                                      oci_signing_key_t);

        if (may_verify(key, header)
            && oci_signing_key_verify(key, token, dot - token, signature,
                                      size)) {
            return 1;
        }
    }
    return 0;
}

/* Verifying a signature costs more than the rest of a request, so the hashes of
 * verified tokens are remembered. */
const char *oci_jwt_verify(json_t **claims, const oci_key_set_t *keys,
                           const char *token, apr_pool_t *pool)
{
    const char *first = strchr(token, '.');
    const char *second = first ? strchr(first + 1, '.') : NULL;
    unsigned char hash[OCI_KNOWN_SET_BYTES];
    json_t *header;

    if (!second
        || !(*claims = decode_object(first + 1, second - first - 1, pool))) {
        return "it is not a JSON Web Token";
    }
    SHA256((const unsigned char *)token, strlen(token), hash);
    if (oci_known_set_has(keys->verified, hash)) {
        return NULL;
    }
    header = decode_object(token, first - token, pool);
    if (!header) {
        return "it is not a JSON Web Token";
    }
    if (json_object_get(header, "crit")) {
        return "its header requires an unknown extension (crit)";
    }
    if (!has_valid_signature(keys, header, token, second, pool)) {
        return "no key of OCITokenKey matches its signature";
    }
    oci_known_set_add(keys->verified, hash);
    return NULL;
}
