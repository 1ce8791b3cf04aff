/* SPDX-License-Identifier: Apache-2.0 */

/* Signing and verifying tokens, and reading key files. */

#include "start_pool.h"
#include "tap.h"

#include "apr_strings.h"

#include "rfc7515.h"
#include "values/base64url.h"
#include "values/jwt.h"

#define SECRET    "0123456789abcdef0123456789abcdef"
#define NO_SIGNER "no key of OCITokenKey matches its signature"
#define NO_TOKEN  "it is not a JSON Web Token"
#define NO_KEY                                                  \
    "it contains no key: expected PEM, a JSON Web Key Set, or " \
    "\"secret:\" and 32 or more printable characters"
#define NO_SECRET                                                       \
    "the text after \"secret:\" is not a valid secret: expected 32 or " \
    "more printable characters without spaces"

#define JWK_ES                                            \
    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" RFC_ES_X \
    "\",\"y\":\"" RFC_ES_Y "\""
#define JWK_RS     "{\"kty\":\"RSA\",\"n\":\"" RFC_RS_N "\",\"e\":\"AQAB\""
#define SET(keys)  "{\"keys\":[" keys "]}"
#define EXAMPLE_ES RFC_ES_TEXT "." RFC_ES_SIGNATURE
#define EXAMPLE_RS RFC_RS_TEXT "." RFC_RS_SIGNATURE

/* A key file, and the expected problem. */
static const struct {
    const char *text;
    const char *problem;
} files[] = {
    { "secret:" SECRET, NULL },
    { "secret: " SECRET "\n", NULL },
    { "secret: 0123456789abcdef0123456789abcde\n\n\n", NO_SECRET },
    { "secret:", NO_SECRET },
    { "secret: 0123456789abcdef 0123456789abcdef", NO_SECRET },
    { "secret: 0123456789abcdef0123456789abcd\xc3\xa9", NO_SECRET },
    /* public data is never used as a secret */
    { SECRET, NO_KEY },
    { "", NO_KEY },
    { "[" JWK_RS "}]", NO_KEY },
    { "https://ci.example.com/.well-known/jwks.json", NO_KEY },
    { "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQ someone", NO_KEY },
    { "MIIBCgKCAQEAvxQbBfN4LmYyEOLcYt0aUQ7mZT0JmBM9Vw3bKTB2f0l6q", NO_KEY },
    { SET(JWK_ES "}"), NULL },
    { SET(JWK_RS "}," JWK_ES "}"), NULL },
    { SET(JWK_RS ",\"use\":\"enc\"}," JWK_ES "}"), NULL },
    { SET("{\"kty\":\"oct\",\"k\":\"AAAA\"}"),
      "it contains no key that can be used" },
    { SET(JWK_RS ",\"use\":\"enc\"}"), "it contains no key that can be used" },
    { SET(JWK_RS ",\"alg\":\"PS256\"}"),
      "it contains no key that can be used" },
    { SET("{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"AAAA\"}"),
      "it contains no key that can be used" },
    { SET(""), "it contains no key that can be used" },
    { SET("7,null"), "it contains no key that can be used" },
    { SET("{\"kty\":\"RSA\",\"n\":\"AQAB\"}"),
      "a key of the set has no valid \"e\"" },
    { SET("{\"kty\":\"RSA\",\"n\":\"A\",\"e\":\"AQAB\"}"),
      "a key of the set has no valid \"n\"" },
    { SET("{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}"),
      "an RSA key has fewer than 2048 bits" },
    { SET("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AAAA\",\"y\":\"AAAA\"}"),
      "a key cannot be read" },
    { "{\"keys\":{}}", "it is not a JSON Web Key Set" },
    { "{", "it is not a JSON Web Key Set" },
    { "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
      "a key cannot be read" },
    { "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
      "a key cannot be read" },
    { "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n"
      "-----END ENCRYPTED PRIVATE KEY-----\n",
      "a private key is encrypted; store it without a passphrase" },
    { "-----BEGIN DH PARAMETERS-----\nAAAA\n-----END DH PARAMETERS-----\n",
      "it contains no key that can be used" },
    { "-----BEGIN PUBLIC KEY-----", "it contains no key that can be used" },
};

static const char *read_keys(oci_key_set_t **keys, const char *text,
                             apr_pool_t *pool)
{
    return oci_key_set_read(keys, text, strlen(text), pool);
}

static const char *verify(const oci_key_set_t *keys, const char *token,
                          apr_pool_t *pool)
{
    json_t *claims;

    return oci_jwt_verify(&claims, keys, token, pool);
}

/* A token of three texts; the signature is already encoded. */
static const char *token_of(const char *header, const char *claims,
                            const char *signature, apr_pool_t *pool)
{
    return apr_pstrcat(pool, oci_base64url_encode(header, strlen(header), pool),
                       ".", oci_base64url_encode(claims, strlen(claims), pool),
                       ".", signature, NULL);
}

/* A token that a secret signed, with any header. */
static const char *hmac_token(const char *secret, apr_size_t size,
                              const char *header, apr_pool_t *pool)
{
    oci_signing_key_t key;
    unsigned char *signature;
    apr_size_t length;
    const char *token = token_of(header, "{\"sub\":\"mallory\"}", "", pool);
    char *text = apr_pstrndup(pool, token, strlen(token) - 1);

    memset(&key, 0, sizeof(key));
    key.algorithm = "HS256";
    key.secret = secret;
    key.secret_size = size;
    oci_signing_key_sign(&signature, &length, &key, text, pool);
    return apr_pstrcat(pool, token,
                       oci_base64url_encode(signature, length, pool), NULL);
}

static void test_examples(tap_t *tap, apr_pool_t *pool)
{
    oci_key_set_t *both, *named;
    json_t *claims;

    read_keys(&both, SET(JWK_RS "}," JWK_ES "}"), pool);
    tap_is(tap, oci_jwt_verify(&claims, both, EXAMPLE_ES, pool), NULL,
           "the example of ES256");
    tap_is(tap, json_string_value(json_object_get(claims, "iss")), "joe",
           "and its claims");
    tap_is(tap, verify(both, EXAMPLE_ES, pool), NULL, "verified a second time");
    tap_is(tap, verify(both, EXAMPLE_RS, pool), NULL, "the example of RS256");
    tap_is(tap, verify(both, RFC_ES_TEXT "." RFC_RS_SIGNATURE, pool), NO_SIGNER,
           "a signature of the other algorithm");
    tap_is(tap, verify(both, RFC_ES_TEXT ".", pool), NO_SIGNER, "no signature");
    tap_is(tap, verify(both, RFC_ES_TEXT, pool), NO_TOKEN,
           "no signature and no dot");
    tap_is(tap, verify(both, EXAMPLE_ES ".x", pool), NO_SIGNER,
           "more than three parts");
    tap_is(tap, verify(both, EXAMPLE_ES "x", pool), NO_SIGNER,
           "a longer signature");

    /* a token without "kid" may be signed by any key */
    read_keys(&named, SET(JWK_ES ",\"kid\":\"first\"}"), pool);
    tap_is(tap, verify(named, EXAMPLE_ES, pool), NULL, "a named key");
    tap_is(tap, verify(named, EXAMPLE_RS, pool), NO_SIGNER,
           "the named key did not sign it");
}

static void test_forms(tap_t *tap, apr_pool_t *pool)
{
    static const struct {
        const char *header, *claims, *problem;
    } forms[] = {
        { "{\"alg\":\"none\"}", "{}", NO_SIGNER },
        { "{\"alg\":\"None\"}", "{}", NO_SIGNER },
        { "{\"alg\":\"\"}", "{}", NO_SIGNER },
        { "{\"alg\":null}", "{}", NO_SIGNER },
        { "{}", "{}", NO_SIGNER },
        { "[]", "{}", NO_TOKEN },
        { "{\"alg\":\"HS256\"}", "[]", NO_TOKEN },
        { "{\"alg\":\"HS256\"}", "{\"a\":1,\"a\":2}", NO_TOKEN },
        { "{\"alg\":\"HS256\",\"alg\":\"none\"}", "{}", NO_TOKEN },
        { "{\"alg\":\"HS256\",\"crit\":[\"b64\"]}", "{}",
          "its header requires an unknown extension (crit)" },
        { "{\"alg\":\"HS256\"}", "{\"sub\":\"\\u0000\"}", NO_TOKEN },
        { "not json", "{}", NO_TOKEN },
        { "", "", NO_TOKEN },
    };
    static const char *const tokens[] = {
        "", ".", "..", "...", "a.b.c", "e30.e30", "e30=.e30.e30", "QQ==",
    };
    oci_key_set_t *keys;
    size_t i;

    read_keys(&keys, "secret:" SECRET, pool);
    for (i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
        tap_is(tap,
               verify(keys,
                      token_of(forms[i].header, forms[i].claims, "", pool),
                      pool),
               forms[i].problem, forms[i].header);
    }
    for (i = 0; i < sizeof(tokens) / sizeof(*tokens); i++) {
        tap_is(tap, verify(keys, tokens[i], pool), NO_TOKEN, tokens[i]);
    }
}

/* A public key used as the secret of an HMAC. */
static void test_confusion(tap_t *tap, apr_pool_t *pool)
{
    static const char *const headers[] = {
        "{\"alg\":\"HS256\"}",
        "{\"alg\":\"RS256\"}",
        "{\"alg\":\"ES256\"}",
    };
    oci_key_set_t *keys;
    const char *pem, *set = SET(JWK_RS "}");
    size_t i;

    oci_key_set_make(&pem, pool);
    for (i = 0; i < sizeof(headers) / sizeof(*headers); i++) {
        read_keys(&keys, pem, pool);
        tap_is(tap,
               verify(keys, hmac_token(pem, strlen(pem), headers[i], pool),
                      pool),
               NO_SIGNER, "a PEM file is not a secret");
        read_keys(&keys, set, pool);
        tap_is(tap,
               verify(keys, hmac_token(set, strlen(set), headers[i], pool),
                      pool),
               NO_SIGNER, "a key set is not a secret");
        tap_is(tap, verify(keys, hmac_token("", 0, headers[i], pool), pool),
               NO_SIGNER, "an empty text is not a secret");
    }
    read_keys(&keys, "secret:" SECRET, pool);
    tap_is(tap, verify(keys, hmac_token(SECRET, 32, headers[0], pool), pool),
           NULL, "a secret verifies");
    tap_is(tap, verify(keys, hmac_token(SECRET, 32, headers[1], pool), pool),
           NO_SIGNER, "a secret verifies only its own algorithm");
}

/* A key without its PEM lines. */
static void test_bare(tap_t *tap, apr_pool_t *pool)
{
    oci_key_set_t *keys;
    const char *pem, *line;
    char *bare, *to;

    oci_key_set_make(&pem, pool);
    to = bare = apr_pcalloc(pool, strlen(pem) + 1);
    for (line = strchr(pem, '\n') + 1; *line != '-'; line++) {
        if (*line != '\n') {
            *to++ = *line;
        }
    }
    tap_is(tap, read_keys(&keys, bare, pool), NO_KEY,
           "a key without its PEM lines is not a secret");
}

static void test_rotation(tap_t *tap, apr_pool_t *pool)
{
    oci_key_set_t *old, *both, *new;
    const char *first, *second, *token;
    json_t *claims = json_pack("{s:s}", "sub", "somebody");

    oci_key_set_make(&first, pool);
    oci_key_set_make(&second, pool);
    read_keys(&old, first, pool);
    read_keys(&both, apr_pstrcat(pool, second, first, NULL), pool);
    read_keys(&new, second, pool);
    token = oci_jwt_sign(old, claims, pool);
    tap_is(tap, verify(old, token, pool), NULL,
           "the old key verifies its own token");
    tap_is(tap, verify(both, token, pool), NULL, "the second key verifies");
    tap_is(tap, verify(new, token, pool), NO_SIGNER,
           "the new key alone does not");
    token = oci_jwt_sign(both, claims, pool);
    tap_is(tap, verify(new, token, pool), NULL, "the first key signs");
    tap_is(tap, verify(old, token, pool), NO_SIGNER,
           "the second key does not sign");
    json_decref(claims);
}

int main(void)
{
    tap_t tap = { 0, 0 };
    apr_pool_t *pool = start_pool();
    oci_key_set_t *keys;
    size_t i;

    for (i = 0; i < sizeof(files) / sizeof(*files); i++) {
        tap_is(&tap, read_keys(&keys, files[i].text, pool), files[i].problem,
               apr_psprintf(pool, "file %d", (int)i));
    }
    read_keys(&keys, SET(JWK_ES "}"), pool);
    tap_ok(&tap, !oci_key_set_signer(keys), "a public key cannot sign");
    tap_ok(&tap, !oci_jwt_sign(keys, NULL, pool), "signing with it fails");
    test_examples(&tap, pool);
    test_forms(&tap, pool);
    test_confusion(&tap, pool);
    test_bare(&tap, pool);
    test_rotation(&tap, pool);
    return tap_done(&tap);
}
