/* SPDX-License-Identifier: Apache-2.0 */

/* Writing JSON text. */

#include "values/json.h"

#include <stdlib.h>
#include <string.h>

#include "apr_strings.h"

#include "values/utf8.h"

/* Return the size of text after its quotes, backslashes and control characters
 * are escaped. */
static apr_size_t escaped_length(const char *text)
{
    apr_size_t length = 0;

    for (; *text; text++) {
        if ((unsigned char)*text < 0x20) {
            length += 6;
        }
        else {
            length += *text == '"' || *text == '\\' ? 2 : 1;
        }
    }
    return length;
}

const char *oci_json_quote(const char *text, apr_pool_t *pool)
{
    static const char hex[] = "0123456789abcdef";
    const unsigned char *p = (const unsigned char *)text;
    const unsigned char *end = p + strlen(text);
    char *quoted = apr_palloc(pool, escaped_length(text) + 3);
    char *out = quoted;

    *out++ = '"';
    while (p < end) {
        int length = oci_utf8_length((const char *)p, end - p);

        if (!length) {
            *out++ = '?';
            p++;
        }
        else if (*p < 0x20) {
            memcpy(out, "\\u00", 4);
            out[4] = hex[*p >> 4];
            out[5] = hex[*p & 15];
            out += 6;
            p++;
        }
        else {
            if (*p == '"' || *p == '\\') {
                *out++ = '\\';
            }
            memcpy(out, p, length);
            out += length;
            p += length;
        }
    }
    *out++ = '"';
    *out = '\0';
    return quoted;
}

const char *oci_json_text(const json_t *value, apr_pool_t *pool)
{
    char *dump = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    const char *text = apr_pstrdup(pool, dump);

    free(dump);
    return text;
}
