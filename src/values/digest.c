/* SPDX-License-Identifier: Apache-2.0 */

/* Digests: checking, computing, and saving a running computation.
 *
 * An upload of several requests needs to save a running digest and to continue
 * it in another process.  OpenSSL's EVP functions cannot do this.  Its older
 * structures can, although OpenSSL 3 has deprecated them.
 */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "values/digest.h"

#include <string.h>

#include <openssl/sha.h>

#define STATE_MAX (1 + SHA512_DIGEST_LENGTH + 8 + SHA512_CBLOCK)

struct oci_hash_t {
    oci_algorithm_e algorithm;
    union {
        SHA256_CTX sha256;
        SHA512_CTX sha512;
    } state;
};

static const struct {
    const char *name;
    apr_size_t name_length;
    apr_size_t size;  /* bytes of a digest, and of the chaining value */
    apr_size_t block; /* bytes of a block, the unit of hashing */
} algorithms[] = {
    { "sha256", 6, SHA256_DIGEST_LENGTH, SHA256_CBLOCK },
    { "sha512", 6, SHA512_DIGEST_LENGTH, SHA512_CBLOCK },
};

#define ALGORITHMS (sizeof(algorithms) / sizeof(*algorithms))

static void write_hex(char *text, const unsigned char *data, apr_size_t size)
{
    static const char hex[] = "0123456789abcdef";

    while (size--) {
        *text++ = hex[*data >> 4];
        *text++ = hex[*data++ & 15];
    }
    *text = '\0';
}

/* Whether a character is a hex digit.  The digits of a digest are random, so
 * that branches would cost more than the comparisons. */
static int is_hex_digit(unsigned char digit)
{
    return ((unsigned char)(digit - '0') < 10)
        | ((unsigned char)(digit - 'a') < 6);
}

/* Return the value of a hex digit, without branches as well. */
static unsigned char hex_value(unsigned char digit)
{
    return (digit & 15) + 9 * (digit >> 6);
}

/* Set bytes to those that hex digits stand for. */
static void parse_hex(unsigned char *bytes, apr_size_t size, const char *hex)
{
    apr_size_t i;

    for (i = 0; i < size; i++, hex += 2) {
        bytes[i] = hex_value(hex[0]) << 4 | hex_value(hex[1]);
    }
}

static int is_hex(const char *text, apr_size_t length)
{
    while (length && is_hex_digit(*text)) {
        text++;
        length--;
    }
    return !length;
}

static void put_number(unsigned char *data, apr_uint64_t number, int size)
{
    while (size--) {
        data[size] = (unsigned char)number;
        number >>= 8;
    }
}

static apr_uint64_t get_number(const unsigned char *data, int size)
{
    apr_uint64_t number = 0;

    while (size--) {
        number = number << 8 | *data++;
    }
    return number;
}

const char *oci_algorithm_name(oci_algorithm_e algorithm)
{
    return algorithms[algorithm].name;
}

apr_status_t oci_algorithm_parse(oci_algorithm_e *algorithm, const char *name)
{
    apr_size_t i;

    for (i = 0; i < ALGORITHMS; i++) {
        if (!strcmp(name, algorithms[i].name)) {
            *algorithm = (oci_algorithm_e)i;
            return APR_SUCCESS;
        }
    }
    return APR_EINVAL;
}

int oci_digest_valid(const char *text)
{
    apr_size_t i;

    for (i = 0; i < ALGORITHMS; i++) {
        apr_size_t length = algorithms[i].name_length;
        apr_size_t digits = 2 * algorithms[i].size;

        if (!strncmp(text, algorithms[i].name, length) && text[length] == ':') {
            text += length + 1;
            return is_hex(text, digits) && !text[digits];
        }
    }
    return 0;
}

void oci_digest_bytes(unsigned char *bytes, apr_size_t size, const char *digest)
{
    parse_hex(bytes, size, strchr(digest, ':') + 1);
}

oci_algorithm_e oci_digest_algorithm(const char *digest)
{
    return strncmp(digest, "sha512:", 7) ? OCI_SHA256 : OCI_SHA512;
}

const char *oci_digest_of(oci_algorithm_e algorithm, const void *data,
                          apr_size_t size, apr_pool_t *pool)
{
    oci_hash_t *hash = oci_hash_make(algorithm, pool);

    oci_hash_update(hash, data, size);
    return oci_hash_digest(hash, pool);
}

oci_hash_t *oci_hash_make(oci_algorithm_e algorithm, apr_pool_t *pool)
{
    oci_hash_t *hash = apr_palloc(pool, sizeof(*hash));

    hash->algorithm = algorithm;
    if (algorithm == OCI_SHA512) {
        SHA512_Init(&hash->state.sha512);
    }
    else {
        SHA256_Init(&hash->state.sha256);
    }
    return hash;
}

oci_algorithm_e oci_hash_algorithm(const oci_hash_t *hash)
{
    return hash->algorithm;
}

void oci_hash_update(oci_hash_t *hash, const void *data, apr_size_t size)
{
    if (hash->algorithm == OCI_SHA512) {
        SHA512_Update(&hash->state.sha512, data, size);
    }
    else {
        SHA256_Update(&hash->state.sha256, data, size);
    }
}

const char *oci_hash_digest(const oci_hash_t *hash, apr_pool_t *pool)
{
    apr_size_t name_length = algorithms[hash->algorithm].name_length;
    apr_size_t size = algorithms[hash->algorithm].size;
    unsigned char bytes[SHA512_DIGEST_LENGTH];
    oci_hash_t copy = *hash;
    char *digest = apr_palloc(pool, name_length + 1 + 2 * size + 1);

    if (hash->algorithm == OCI_SHA512) {
        SHA512_Final(bytes, &copy.state.sha512);
    }
    else {
        SHA256_Final(bytes, &copy.state.sha256);
    }
    memcpy(digest, algorithms[hash->algorithm].name, name_length);
    digest[name_length] = ':';
    write_hex(digest + name_length + 1, bytes, size);
    return digest;
}

/*
 * A saved state is the hex of these bytes; numbers are big-endian:
 *
 *   1          size of a digest: 32 or 64
 *   8 words    chaining value
 *   8          number of bytes hashed so far
 *   0..block-1 the bytes of the last, incomplete block
 */

/* Return the number of bytes hashed so far; OpenSSL counts bits. */
static apr_uint64_t bytes_hashed(const oci_hash_t *hash)
{
    if (hash->algorithm == OCI_SHA512) {
        const SHA512_CTX *state = &hash->state.sha512;

        return (apr_uint64_t)state->Nh << 61 | state->Nl >> 3;
    }
    return ((apr_uint64_t)hash->state.sha256.Nh << 32 | hash->state.sha256.Nl)
        >> 3;
}

const char *oci_hash_save(const oci_hash_t *hash, apr_pool_t *pool)
{
    apr_size_t size = algorithms[hash->algorithm].size;
    apr_size_t pending = bytes_hashed(hash) % algorithms[hash->algorithm].block;
    int i, word = (int)size / 8;
    unsigned char bytes[STATE_MAX], *p = bytes;
    char *text;

    *p++ = (unsigned char)size;
    for (i = 0; i < 8; i++, p += word) {
        put_number(p,
                   hash->algorithm == OCI_SHA512 ? hash->state.sha512.h[i]
                                                 : hash->state.sha256.h[i],
                   word);
    }
    put_number(p, bytes_hashed(hash), 8);
    memcpy(p + 8,
           hash->algorithm == OCI_SHA512
               ? (const void *)hash->state.sha512.u.p
               : (const void *)hash->state.sha256.data,
           pending);
    p += 8 + pending;

    text = apr_palloc(pool, 2 * (p - bytes) + 1);
    write_hex(text, bytes, p - bytes);
    return text;
}

static void load_sha256(SHA256_CTX *state, const unsigned char *bytes,
                        apr_uint64_t count)
{
    int i;

    for (i = 0; i < 8; i++) {
        state->h[i] = (SHA_LONG)get_number(bytes + 4 * i, 4);
    }
    state->Nl = (SHA_LONG)(count << 3);
    state->Nh = (SHA_LONG)(count >> 29);
    state->num = (unsigned)(count % SHA256_CBLOCK);
    memcpy(state->data, bytes + 4 * 8 + 8, state->num);
}

static void load_sha512(SHA512_CTX *state, const unsigned char *bytes,
                        apr_uint64_t count)
{
    int i;

    for (i = 0; i < 8; i++) {
        state->h[i] = get_number(bytes + 8 * i, 8);
    }
    state->Nl = count << 3;
    state->Nh = count >> 61;
    state->num = (unsigned)(count % SHA512_CBLOCK);
    memcpy(state->u.p, bytes + 8 * 8 + 8, state->num);
}

apr_status_t oci_hash_load(oci_hash_t **hash, oci_algorithm_e algorithm,
                           const char *text, apr_pool_t *pool)
{
    apr_size_t size = algorithms[algorithm].size;
    apr_size_t length = strlen(text) / 2;
    unsigned char bytes[STATE_MAX];
    apr_uint64_t count;

    if (length < 1 + size + 8 || length > STATE_MAX
        || strlen(text) != 2 * length || !is_hex(text, 2 * length)) {
        return APR_EINVAL;
    }
    parse_hex(bytes, length, text);
    count = get_number(bytes + 1 + size, 8);
    if (bytes[0] != size || count > (apr_uint64_t)APR_INT64_MAX >> 3
        || length != 1 + size + 8 + count % algorithms[algorithm].block) {
        return APR_EINVAL;
    }

    *hash = oci_hash_make(algorithm, pool);
    if (algorithm == OCI_SHA512) {
        load_sha512(&(*hash)->state.sha512, bytes + 1, count);
    }
    else {
        load_sha256(&(*hash)->state.sha256, bytes + 1, count);
    }
    return APR_SUCCESS;
}
