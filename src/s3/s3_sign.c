/* SPDX-License-Identifier: Apache-2.0 */

/* AWS Signature Version 4, in a header or in a URL.
 *
 *     canonical request  method, path, query, headers, their names, payload:
 *                        each followed by a line feed but the last
 *     string to sign     algorithm, time, scope, SHA-256 of the above
 *     key                HMAC of HMAC ... of the secret, the day, the region,
 *                        the service and "aws4_request"
 *     signature          HMAC of the string to sign
 *
 * S3 encodes a path once, where other services of AWS encode it twice. */

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "apr_lib.h"
#include "apr_strings.h"

#include "s3/s3_sign.h"

#define ALGORITHM   "AWS4-HMAC-SHA256"
#define UNSIGNED    "UNSIGNED-PAYLOAD"
#define SHA256_SIZE 32

/* A parameter or a header, ready for the canonical request. */
typedef struct term_t {
    const char *name;
    const char *value;
} term_t;

/* Pairs that are being collected from a table. */
typedef struct terms_t {
    apr_array_header_t *all; /* of term_t */
    apr_pool_t *pool;
} terms_t;

char *oci_s3_encode(const char *text, int keep_slashes, apr_pool_t *pool)
{
    static const char digits[] = "0123456789ABCDEF";
    char *encoded = apr_palloc(pool, 3 * strlen(text) + 1);
    char *p = encoded;

    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;

        if ((c < 0x80 && apr_isalnum(c)) || strchr("-._~", c)
            || (keep_slashes && c == '/')) {
            *p++ = (char)c;
        }
        else {
            *p++ = '%';
            *p++ = digits[c >> 4];
            *p++ = digits[c & 15];
        }
    }
    *p = '\0';
    return encoded;
}

static char *hex(const unsigned char *bytes, apr_size_t size, apr_pool_t *pool)
{
    static const char digits[] = "0123456789abcdef";
    char *text = apr_palloc(pool, 2 * size + 1);
    apr_size_t i;

    for (i = 0; i < size; i++) {
        text[2 * i] = digits[bytes[i] >> 4];
        text[2 * i + 1] = digits[bytes[i] & 15];
    }
    text[2 * size] = '\0';
    return text;
}

char *oci_s3_sha256(const struct iovec *body, int count, apr_pool_t *pool)
{
    unsigned char bytes[EVP_MAX_MD_SIZE];
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    unsigned int size = 0;
    int i, done;

    done = context && EVP_DigestInit_ex(context, EVP_sha256(), NULL);
    for (i = 0; i < count && done; i++) {
        done = EVP_DigestUpdate(context, body[i].iov_base, body[i].iov_len);
    }
    done = done && EVP_DigestFinal_ex(context, bytes, &size);
    EVP_MD_CTX_free(context);
    return done ? hex(bytes, size, pool) : NULL;
}

static char *sha256_of_text(const char *text, apr_pool_t *pool)
{
    struct iovec piece = { (void *)text, strlen(text) };

    return oci_s3_sha256(&piece, 1, pool);
}

char *oci_s3_date(apr_time_t time, apr_pool_t *pool)
{
    apr_time_exp_t t;

    apr_time_exp_gmt(&t, time);
    return apr_psprintf(pool, "%04d%02d%02dT%02d%02d%02dZ", t.tm_year + 1900,
                        t.tm_mon + 1, t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec);
}

/* Order pairs by name, then by value, by the bytes of both. */
static int compare_pairs(const void *first, const void *second)
{
    const term_t *a = first, *b = second;
    int order = strcmp(a->name, b->name);

    return order ? order : strcmp(a->value, b->value);
}

static int collect_parameter(void *baton, const char *name, const char *value)
{
    terms_t *pairs = baton;
    term_t *pair = apr_array_push(pairs->all);

    pair->name = oci_s3_encode(name, 0, pairs->pool);
    pair->value = oci_s3_encode(value, 0, pairs->pool);
    return 1;
}

char *oci_s3_canonical_query(const apr_table_t *query, apr_pool_t *pool)
{
    terms_t pairs = { apr_array_make(pool, 8, sizeof(term_t)), pool };
    apr_array_header_t *pieces = apr_array_make(pool, 8, sizeof(char *));
    int i;

    if (query) {
        apr_table_do(collect_parameter, &pairs, query, NULL);
    }
    qsort(pairs.all->elts, pairs.all->nelts, sizeof(term_t), compare_pairs);
    for (i = 0; i < pairs.all->nelts; i++) {
        const term_t *pair = &APR_ARRAY_IDX(pairs.all, i, term_t);

        APR_ARRAY_PUSH(pieces, const char *) = apr_pstrcat(pool, pair->name,
                                                           "=", pair->value,
                                                           NULL);
    }
    return apr_array_pstrcat(pool, pieces, '&');
}

/* Copy a header's value without blanks around it, and with one blank for each
 * run of them. */
static char *trimmed(const char *value, apr_pool_t *pool)
{
    char *text = apr_palloc(pool, strlen(value) + 1);
    char *p = text;

    for (; *value; value++) {
        if (!apr_isspace(*value)) {
            *p++ = *value;
        }
        else if (p > text && p[-1] != ' ') {
            *p++ = ' ';
        }
    }
    if (p > text && p[-1] == ' ') {
        p--;
    }
    *p = '\0';
    return text;
}

static int collect_header(void *baton, const char *name, const char *value)
{
    terms_t *pairs = baton;
    term_t *pair = apr_array_push(pairs->all);
    char *lower = apr_pstrdup(pairs->pool, name);
    char *p;

    for (p = lower; *p; p++) {
        *p = (char)apr_tolower(*p);
    }
    pair->name = lower;
    pair->value = trimmed(value, pairs->pool);
    return 1;
}

static int compare_names(const void *first, const void *second)
{
    return strcmp(((const term_t *)first)->name,
                  ((const term_t *)second)->name);
}

/* Make the lines of the headers, and the list of their names. */
static char *canonical_headers(char **names, const apr_table_t *headers,
                               apr_pool_t *pool)
{
    terms_t pairs = { apr_array_make(pool, 8, sizeof(term_t)), pool };
    apr_array_header_t *lines = apr_array_make(pool, 8, sizeof(char *));
    apr_array_header_t *signed_names = apr_array_make(pool, 8, sizeof(char *));
    int i;

    apr_table_do(collect_header, &pairs, headers, NULL);
    qsort(pairs.all->elts, pairs.all->nelts, sizeof(term_t), compare_names);
    for (i = 0; i < pairs.all->nelts; i++) {
        const term_t *pair = &APR_ARRAY_IDX(pairs.all, i, term_t);

        APR_ARRAY_PUSH(lines, const char *) = apr_pstrcat(pool, pair->name, ":",
                                                          pair->value, "\n",
                                                          NULL);
        APR_ARRAY_PUSH(signed_names, const char *) = pair->name;
    }
    *names = apr_array_pstrcat(pool, signed_names, ';');
    return apr_array_pstrcat(pool, lines, 0);
}

/* The day, the region and the service of a signature. */
static char *scope_of(const oci_s3_signer_t *signer, apr_pool_t *pool)
{
    return apr_psprintf(pool, "%.8s/%s/%s/aws4_request",
                        oci_s3_date(signer->now, pool), signer->region,
                        signer->service);
}

/* Replace a key of SHA256_SIZE bytes by an HMAC that it makes. */
static int chain(unsigned char *key, const char *text)
{
    unsigned char made[EVP_MAX_MD_SIZE];
    unsigned int size;

    if (!HMAC(EVP_sha256(), key, SHA256_SIZE, (const unsigned char *)text,
              strlen(text), made, &size)) {
        return 0;
    }
    memcpy(key, made, SHA256_SIZE);
    return 1;
}

/* Sign a canonical request. */
static char *signature_of(const char *request, const oci_s3_signer_t *signer,
                          apr_pool_t *pool)
{
    const char *date = oci_s3_date(signer->now, pool);
    const char *hash = sha256_of_text(request, pool);
    char *first = apr_pstrcat(pool, "AWS4", signer->keys->secret, NULL);
    unsigned char key[EVP_MAX_MD_SIZE];
    unsigned int size;
    char *text;
    int done;

    if (!hash) {
        return NULL;
    }
    text = apr_pstrcat(pool, ALGORITHM "\n", date, "\n", scope_of(signer, pool),
                       "\n", hash, NULL);
    done = HMAC(EVP_sha256(), first, (int)strlen(first),
                (const unsigned char *)date, 8, key, &size)
        && chain(key, signer->region) && chain(key, signer->service)
        && chain(key, "aws4_request") && chain(key, text);
    OPENSSL_cleanse(first, strlen(first));
    return done ? hex(key, SHA256_SIZE, pool) : NULL;
}

char *oci_s3_sign(const oci_s3_signable_t *signable,
                  const oci_s3_signer_t *signer, apr_pool_t *pool)
{
    char *names, *request, *signature;
    const char *headers = canonical_headers(&names, signable->headers, pool);

    request = apr_pstrcat(pool, signable->method, "\n", signable->path, "\n",
                          oci_s3_canonical_query(signable->query, pool), "\n",
                          headers, "\n", names, "\n", signable->payload, NULL);
    signature = signature_of(request, signer, pool);
    return signature
        ? apr_pstrcat(pool, ALGORITHM " Credential=", signer->keys->id, "/",
                      scope_of(signer, pool), ", SignedHeaders=", names,
                      ", Signature=", signature, NULL)
        : NULL;
}

char *oci_s3_presign(const oci_s3_signable_t *signable,
                     const oci_s3_signer_t *signer, int seconds,
                     apr_pool_t *pool)
{
    apr_table_t *query = signable->query ? apr_table_copy(pool, signable->query)
                                         : apr_table_make(pool, 8);
    char *names, *request, *text, *signature;
    const char *headers = canonical_headers(&names, signable->headers, pool);

    apr_table_setn(query, "X-Amz-Algorithm", ALGORITHM);
    apr_table_setn(query, "X-Amz-Credential",
                   apr_pstrcat(pool, signer->keys->id, "/",
                               scope_of(signer, pool), NULL));
    apr_table_setn(query, "X-Amz-Date", oci_s3_date(signer->now, pool));
    apr_table_setn(query, "X-Amz-Expires", apr_itoa(pool, seconds));
    apr_table_setn(query, "X-Amz-SignedHeaders", names);
    if (signer->keys->token) {
        apr_table_setn(query, "X-Amz-Security-Token", signer->keys->token);
    }
    text = oci_s3_canonical_query(query, pool);
    request = apr_pstrcat(pool, signable->method, "\n", signable->path, "\n",
                          text, "\n", headers, "\n", names, "\n" UNSIGNED,
                          NULL);
    signature = signature_of(request, signer, pool);
    return signature
        ? apr_pstrcat(pool, text, "&X-Amz-Signature=", signature, NULL)
        : NULL;
}
