/* SPDX-License-Identifier: Apache-2.0 */

/* The state of an upload between two requests, as a text. */

#include <string.h>

#include "apr_escape.h"
#include "apr_strings.h"

#include "s3/s3_sign.h"
#include "s3/s3_state.h"
#include "s3/s3_store_key.h"

#define VERSION "1"
#define NONE    "-"

void oci_s3_state_begin(oci_s3_state_t *state, apr_off_t part, apr_pool_t *pool)
{
    memset(state, 0, sizeof(*state));
    state->part = part;
    state->parts = apr_array_make(pool, 1, sizeof(oci_s3_part_done_t));
    state->old = apr_array_make(pool, 1, sizeof(const char *));
}

/* A key has only characters that need no encoding here. */
static const char *or_none(const char *text)
{
    return text ? text : NONE;
}

static const char *format_parts(const oci_s3_state_t *state, apr_pool_t *pool)
{
    apr_array_header_t *texts = apr_array_make(pool, state->parts->nelts + 1,
                                               sizeof(const char *));
    int i;

    for (i = 0; i < state->parts->nelts; i++) {
        const oci_s3_part_done_t *part = &APR_ARRAY_IDX(state->parts, i,
                                                        oci_s3_part_done_t);
        const char *text = oci_s3_encode(part->etag, 0, pool);

        APR_ARRAY_PUSH(texts, const char *) = part->sha256
            ? apr_pstrcat(pool, text, "=", part->sha256, NULL)
            : text;
    }
    return texts->nelts ? apr_array_pstrcat(pool, texts, ':') : "";
}

const char *oci_s3_state_format(const oci_s3_state_t *state, apr_pool_t *pool)
{
    const char *upload = state->multipart.id
        ? oci_s3_encode(state->multipart.id, 0, pool)
        : NONE;
    const char *tail = state->tail
        ? apr_pstrcat(pool, state->tail, "=", state->sha256, NULL)
        : NONE;

    return apr_psprintf(pool,
                        VERSION ",%" APR_OFF_T_FMT ",%" APR_OFF_T_FMT
                                ",%s,%s,%s,%s,%" APR_INT64_T_FMT ",%s",
                        state->size, state->part, or_none(state->multipart.key),
                        upload, format_parts(state, pool), tail, state->put,
                        state->old->nelts
                            ? apr_array_pstrcat(pool, state->old, ':')
                            : "");
}

/* Cut off the next field, up to a separator.  Returns NULL if there is none. */
static char *next_field(char **rest, char separator)
{
    char *field = *rest;
    char *end = field ? strchr(field, separator) : NULL;

    if (end) {
        *end++ = '\0';
    }
    *rest = end;
    return field;
}

static apr_status_t parse_number(apr_off_t *number, const char *text)
{
    char *end;

    return !text || !*text || text[strspn(text, "0123456789")]
            || apr_strtoff(number, text, &end, 10) != APR_SUCCESS
        ? APR_EINVAL
        : APR_SUCCESS;
}

static const char *decode(const char *text, apr_pool_t *pool)
{
    return apr_punescape_url(pool, text, NULL, NULL, 0);
}

static apr_status_t parse_parts(oci_s3_state_t *state, char *text,
                                apr_pool_t *pool)
{
    char *etag = *text ? next_field(&text, ':') : NULL;

    for (; etag; etag = next_field(&text, ':')) {
        oci_s3_part_done_t *part = apr_array_push(state->parts);
        char *rest = etag;

        part->etag = decode(next_field(&rest, '='), pool);
        part->sha256 = rest;
        if (!part->etag) {
            return APR_EINVAL;
        }
    }
    return APR_SUCCESS;
}

/* Whether a key is that of a blob, or of a tail. */
static int is_tail(const char *key)
{
    return oci_s3_store_is_key(key, OCI_S3_BLOBS)
        || oci_s3_store_is_key(key, OCI_S3_TAILS);
}

/* Parse what is said of the tail. */
static apr_status_t parse_tail(oci_s3_state_t *state, char *text)
{
    if (!text || !strcmp(text, NONE)) {
        return text ? APR_SUCCESS : APR_EINVAL;
    }
    state->tail = next_field(&text, '=');
    state->sha256 = text;
    return !is_tail(state->tail) || !text
            || strlen(text) != OCI_S3_SHA256_LENGTH
            || text[strspn(text, "0123456789abcdef")]
        ? APR_EINVAL
        : APR_SUCCESS;
}

static apr_status_t parse_old(oci_s3_state_t *state, char *text)
{
    char *key = *text ? next_field(&text, ':') : NULL;

    for (; key; key = next_field(&text, ':')) {
        if (!is_tail(key)) {
            return APR_EINVAL;
        }
        APR_ARRAY_PUSH(state->old, const char *) = key;
    }
    return APR_SUCCESS;
}

/* Whether a field is a key of a blob, or says that there is none. */
static int is_blob(const char *field)
{
    return !strcmp(field, NONE) || oci_s3_store_is_key(field, OCI_S3_BLOBS);
}

apr_status_t oci_s3_state_parse(oci_s3_state_t *state, const char *text,
                                apr_pool_t *pool)
{
    char *rest = apr_pstrdup(pool, text);
    const char *version = next_field(&rest, ',');
    const char *size = next_field(&rest, ',');
    const char *part = next_field(&rest, ',');
    const char *key = next_field(&rest, ',');
    const char *upload = next_field(&rest, ',');
    char *etags = next_field(&rest, ',');
    char *tail = next_field(&rest, ',');
    const char *put = next_field(&rest, ',');
    apr_off_t time;

    oci_s3_state_begin(state, 0, pool);
    if (strcmp(version, VERSION) || !rest || parse_number(&state->size, size)
        || parse_number(&state->part, part) || parse_number(&time, put)
        || !strcmp(key, NONE) != !strcmp(upload, NONE) || !is_blob(key)
        || parse_tail(state, tail) || parse_old(state, rest)
        || parse_parts(state, etags, pool)) {
        return APR_EINVAL;
    }
    if (strcmp(key, NONE)) {
        state->multipart.key = key;
        state->multipart.id = decode(upload, pool);
    }
    state->put = time;
    return (strcmp(key, NONE) && !state->multipart.id) || state->part < 1
            || state->size < oci_s3_state_parts_size(state)
        ? APR_EINVAL
        : APR_SUCCESS;
}

apr_off_t oci_s3_state_parts_size(const oci_s3_state_t *state)
{
    return state->parts->nelts * state->part;
}
