/* SPDX-License-Identifier: Apache-2.0 */

/* Values as text that any database stores unchanged. */

#include <string.h>

#include "apr_base64.h"
#include "apr_strings.h"

#include "store/dbd/dbd_value.h"

#define MORE   '+'
#define BASE64 '='

static int is_plain(const oci_value_t *value)
{
    apr_size_t i;

    if (value->size && (value->data[0] == MORE || value->data[0] == BASE64)) {
        return 0;
    }
    for (i = 0; i < value->size; i++) {
        unsigned char byte = value->data[i];

        if (byte > 0x7e
            || (byte < 0x20 && byte != '\n' && byte != '\t' && byte != '\r')) {
            return 0;
        }
    }
    return 1;
}

/* Encode a value as one text, which begins with MORE if it needs several
 * rows. */
static char *make_text(const oci_value_t *value, apr_pool_t *pool)
{
    int plain = is_plain(value);
    apr_size_t size = plain
        ? value->size
        : (apr_size_t)apr_base64_encode_len((int)value->size);
    char *text = apr_palloc(pool, size + 2);
    char *end = text;

    if (size > OCI_DBD_ROW) {
        *end++ = MORE;
    }
    if (plain) {
        if (size) {
            memcpy(end, value->data, size);
        }
        end[size] = '\0';
    }
    else {
        *end++ = BASE64;
        apr_base64_encode_binary(end, (const unsigned char *)value->data,
                                 (int)value->size);
    }
    return text;
}

apr_array_header_t *oci_dbd_value_encode(const oci_value_t *value,
                                         apr_pool_t *pool)
{
    const char *text = make_text(value, pool);
    apr_size_t left = strlen(text);
    apr_array_header_t *rows = apr_array_make(pool,
                                              (int)(left / OCI_DBD_ROW) + 1,
                                              sizeof(const char *));

    if (left <= OCI_DBD_ROW) {
        APR_ARRAY_PUSH(rows, const char *) = text;
        return rows;
    }
    while (left) {
        apr_size_t size = left < OCI_DBD_ROW ? left : OCI_DBD_ROW;

        APR_ARRAY_PUSH(rows, const char *) = apr_pstrmemdup(pool, text, size);
        text += size;
        left -= size;
    }
    return rows;
}

int oci_dbd_value_continues(const char *row)
{
    return *row == MORE;
}

/* Return whether text is base64 as we write it: of the right size, and without
 * other characters. */
static int is_base64(const char *text, apr_size_t length)
{
    apr_size_t good = strspn(text,
                             "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmn"
                             "opqrstuvwxyz0123456789+/");

    return length % 4 == 0 && length - good <= 2
        && strspn(text + good, "=") == length - good;
}

apr_status_t oci_dbd_value_decode(oci_value_t *value,
                                  const apr_array_header_t *rows,
                                  apr_pool_t *pool)
{
    const char *text = APR_ARRAY_IDX(rows, 0, const char *);
    apr_size_t length;
    char *data;

    if (oci_dbd_value_continues(text) != (rows->nelts > 1)) {
        return APR_EINVAL;
    }
    if (rows->nelts > 1) {
        text = apr_array_pstrcat(pool, rows, '\0') + 1;
    }
    length = strlen(text);
    if (*text != BASE64) {
        value->data = text;
        value->size = length;
        return APR_SUCCESS;
    }
    if (!is_base64(++text, --length)) {
        return APR_EINVAL;
    }
    data = apr_palloc(pool, length / 4 * 3 + 1);
    value->size = apr_base64_decode_binary((unsigned char *)data, text);
    data[value->size] = '\0';
    value->data = data;
    return APR_SUCCESS;
}
