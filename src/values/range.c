/* SPDX-License-Identifier: Apache-2.0 */

/* Byte ranges of replies and of uploads. */

#include "values/range.h"

#include <string.h>

#include "apr_lib.h"

#define OFFSET_MAX ((apr_off_t)APR_INT64_MAX)

/* Read digits; what is too large becomes OFFSET_MAX.
 * @return Where they end, or NULL where there is none
 */
static const char *read_number(apr_off_t *number, const char *text)
{
    if (!apr_isdigit(*text)) {
        return NULL;
    }
    for (*number = 0; apr_isdigit(*text); text++) {
        int digit = *text - '0';

        *number = *number > (OFFSET_MAX - digit) / 10 ? OFFSET_MAX
                                                      : *number * 10 + digit;
    }
    return text;
}

/* Read "first-last", "first-" or "-suffix" and hold it against size.
 * @param range Its length is 0 where it cannot be satisfied
 * @return Where it ends, or NULL where it is malformed
 */
static const char *read_range(oci_range_t *range, const char *text,
                              apr_off_t size)
{
    apr_off_t last = OFFSET_MAX;

    if (*text == '-') {
        text = read_number(&last, text + 1);
        range->length = last < size ? last : size;
        range->first = size - range->length;
        return text;
    }

    text = read_number(&range->first, text);
    if (!text || *text++ != '-') {
        return NULL;
    }
    if (apr_isdigit(*text)) {
        text = read_number(&last, text);
        if (last < range->first) {
            return NULL;
        }
    }
    if (last >= size) {
        last = size - 1;
    }
    range->length = range->first < size ? last - range->first + 1 : 0;
    return text;
}

/*
 *   header = "bytes=" [ range ] *( OWS "," OWS [ range ] )
 */
apr_status_t oci_ranges_parse(apr_array_header_t **ranges, const char *text,
                              apr_off_t size, apr_pool_t *pool)
{
    apr_off_t left = size;

    *ranges = apr_array_make(pool, 4, sizeof(oci_range_t));
    if (strncasecmp(text, "bytes=", 6)) {
        return APR_ENOTIMPL;
    }
    text += 6;
    for (;;) {
        oci_range_t range;

        text += strspn(text, " \t,");
        if (!*text) {
            break;
        }
        text = read_range(&range, text, size);
        if (!text) {
            return APR_EINVAL;
        }
        text += strspn(text, " \t");
        if (*text && *text != ',') {
            return APR_EINVAL;
        }
        if (!range.length) {
            continue;
        }

        /* Ranges that hold more than there is overlap: whoever asks for
         * that wants to wear us down. */
        if (range.length > left) {
            return APR_EINVAL;
        }
        left -= range.length;
        APR_ARRAY_PUSH(*ranges, oci_range_t) = range;
    }
    return (*ranges)->nelts ? APR_SUCCESS : APR_EINVAL;
}

apr_status_t oci_content_range_parse(oci_range_t *range, const char *text)
{
    int http = !strncasecmp(text, "bytes ", 6);
    apr_off_t last, size = OFFSET_MAX;

    text = read_number(&range->first, http ? text + 6 : text);
    if (!text || *text++ != '-') {
        return APR_EINVAL;
    }
    text = read_number(&last, text);
    if (text && http) {
        if (*text++ != '/') {
            return APR_EINVAL;
        }
        text = *text == '*' ? text + 1 : read_number(&size, text);
    }

    /* A number that was too large is no less than size either. */
    if (!text || *text || last < range->first || last >= size) {
        return APR_EINVAL;
    }
    range->length = last - range->first + 1;
    return APR_SUCCESS;
}
