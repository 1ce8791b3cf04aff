/* SPDX-License-Identifier: Apache-2.0 */

/* Writing a JSON reply member by member. */

#include "http_protocol.h"
#include "util_filter.h"
#include "apr_strings.h"

#include "api/json_reply.h"
#include "api/reply.h"
#include "values/json.h"
#include "values/json_span.h"
#include "values/timestamp.h"
#include "values/utf8.h"

/* The longest name and value of an annotation, in bytes. */
#define ANNOTATION_MAX 4096

/* The end of a text that was cut: U+2026. */
#define CUT "\xe2\x80\xa6"

void oci_json_reply_begin(oci_json_reply_t *json, oci_request_t *request)
{
    request_rec *r = request->r;

    json->request = request;
    json->bb = apr_brigade_create(r->pool, r->connection->bucket_alloc);
    json->follows = 0;
    oci_json_begin(json, NULL, "{");
}

/* Write what comes before a value. */
static void write_name(oci_json_reply_t *json, const char *name)
{
    if (json->follows) {
        apr_brigade_puts(json->bb, NULL, NULL, ",");
    }
    if (name) {
        apr_brigade_putstrs(json->bb, NULL, NULL, "\"", name, "\":", NULL);
    }
    json->follows = 1;
}

void oci_json_value(oci_json_reply_t *json, const char *name, const char *text,
                    apr_size_t size)
{
    if (text) {
        write_name(json, name);
        apr_brigade_write(json->bb, NULL, NULL, text, size);
    }
}

void oci_json_string(oci_json_reply_t *json, const char *name, const char *text)
{
    if (text) {
        text = oci_json_quote(text, json->request->r->pool);
        oci_json_value(json, name, text, strlen(text));
    }
}

void oci_json_number(oci_json_reply_t *json, const char *name,
                     apr_int64_t number)
{
    write_name(json, name);
    apr_brigade_printf(json->bb, NULL, NULL, "%" APR_INT64_T_FMT, number);
}

void oci_json_flag(oci_json_reply_t *json, const char *name, int value)
{
    write_name(json, name);
    apr_brigade_puts(json->bb, NULL, NULL, value ? "true" : "false");
}

void oci_json_true(oci_json_reply_t *json, const char *name, int value)
{
    if (value) {
        oci_json_flag(json, name, 1);
    }
}

void oci_json_time(oci_json_reply_t *json, const char *name,
                   apr_int64_t seconds)
{
    oci_json_string(json, name,
                    oci_timestamp_format(seconds, json->request->r->pool));
}

/* Cut a text that is too long, at the end of a character.
 * text: UTF-8; NULL if the annotation has characters that a C string cannot
 * have */
static const char *cut(const char *text, apr_pool_t *pool)
{
    apr_size_t size = text ? strlen(text) : 0;
    apr_size_t kept = 0, next;

    if (text && size <= ANNOTATION_MAX) {
        return text;
    }
    while (kept < size
           && (next = kept + oci_utf8_length(text + kept, size - kept))
               <= ANNOTATION_MAX) {
        kept = next;
    }
    return apr_pstrcat(pool, kept ? apr_pstrmemdup(pool, text, kept) : "", CUT,
                       NULL);
}

static void write_annotation(oci_json_reply_t *json, oci_span_t name,
                             oci_span_t value, apr_pool_t *pool)
{
    const char *text;

    if (name.size > ANNOTATION_MAX) {
        return;
    }
    write_name(json, NULL);
    apr_brigade_write(json->bb, NULL, NULL, name.text, name.size);
    apr_brigade_puts(json->bb, NULL, NULL, ":");
    if (value.size <= ANNOTATION_MAX) {
        apr_brigade_write(json->bb, NULL, NULL, value.text, value.size);
        return;
    }
    text = oci_json_quote(cut(oci_span_text(value, pool), pool), pool);
    apr_brigade_puts(json->bb, NULL, NULL, text);
}

void oci_json_annotations(oci_json_reply_t *json, const char *name,
                          const char *text, apr_pool_t *pool)
{
    oci_span_t member, value;
    oci_walk_t walk;

    if (!text) {
        return;
    }
    oci_json_begin(json, name, "{");
    walk = oci_walk_begin(oci_span_of(text, strlen(text)));
    while (oci_walk_member(&member, &value, &walk)) {
        write_annotation(json, member, value, pool);
    }
    oci_json_end(json, "}");
}

void oci_json_begin(oci_json_reply_t *json, const char *name,
                    const char *bracket)
{
    write_name(json, name);
    apr_brigade_puts(json->bb, NULL, NULL, bracket);
    json->follows = 0;
}

void oci_json_end(oci_json_reply_t *json, const char *bracket)
{
    apr_brigade_puts(json->bb, NULL, NULL, bracket);
    json->follows = 1;
}

oci_error_t *oci_json_reply_send(oci_json_reply_t *json)
{
    apr_off_t length;

    oci_json_end(json, "}\n");
    apr_brigade_length(json->bb, 1, &length);
    oci_reply_header(json->request, "X-Content-Type-Options", "nosniff");
    ap_set_content_type(json->request->r, "application/json");
    return oci_reply_brigade(json->request, HTTP_OK, json->bb, length);
}
