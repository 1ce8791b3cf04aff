/* SPDX-License-Identifier: Apache-2.0 */

/* Base64 for URLs, without padding (RFC 4648, 5). */

#include "values/base64url.h"

#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                             "abcdefghijklmnopqrstuvwxyz0123456789-_";

const char *oci_base64url_encode(const void *data, apr_size_t size,
                                 apr_pool_t *pool)
{
    const unsigned char *p = data;
    char *text = apr_palloc(pool, (size * 4 + 2) / 3 + 1);
    char *out = text;
    unsigned bits = 0;
    int count = 0;

    while (size--) {
        bits = bits << 8 | *p++;
        for (count += 8; count >= 6; count -= 6) {
            *out++ = digits[bits >> (count - 6) & 63];
        }
    }
    if (count) {
        *out++ = digits[bits << (6 - count) & 63];
    }
    *out = '\0';
    return text;
}

apr_status_t oci_base64url_decode(unsigned char **data, apr_size_t *size,
                                  const char *text, apr_size_t length,
                                  apr_pool_t *pool)
{
    unsigned char *out = apr_palloc(pool, length * 3 / 4 + 1);
    unsigned bits = 0;
    int count = 0;

    *data = out;
    while (length--) {
        const char *digit = *text ? strchr(digits, *text++) : NULL;

        if (!digit) {
            return APR_EINVAL;
        }
        bits = bits << 6 | (unsigned)(digit - digits);
        count += 6;
        if (count >= 8) {
            count -= 8;
            *out++ = bits >> count & 255;
        }
    }
    /* the remaining bits must be fewer than a digit has, and zero */
    if (count >= 6 || (bits & ((1u << count) - 1))) {
        return APR_EINVAL;
    }
    *out = '\0';
    *size = out - *data;
    return APR_SUCCESS;
}
