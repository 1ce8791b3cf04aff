/* SPDX-License-Identifier: Apache-2.0 */

/* Byte ranges: the Range header, and the Content-Range of an upload. */

#include "values/range.h"

#include <string.h>

#include "apr_lib.h"

#define OFFSET_MAX ((apr_off_t)APR_INT64_MAX)

/* Read a number; one that is too large becomes OFFSET_MAX.
 * @return The end of its digits; NULL if there are none
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

/* Read "first-last", "first-" or "-suffix", and limit it to size.
 * @param range Its length is set to 0 if it cannot be satisfied
 * @return The end of its text; NULL if it is malformed
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
    apr_off_t budget = size;

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

        /* Ranges whose sum is larger than the content must overlap.  Only an
         * attack needs them, to make the server send more. */
        if (range.length > budget) {
            return APR_EINVAL;
        }
        budget -= range.length;
        APR_ARRAY_PUSH(*ranges, oci_range_t) = range;
    }
    return (*ranges)->nelts ? APR_SUCCESS : APR_EINVAL;
}

apr_status_t oci_content_range_parse(oci_range_t *range, const char *text)
{
    int is_http_form = !strncasecmp(text, "bytes ", 6);
    apr_off_t last, size = OFFSET_MAX;

    text = read_number(&range->first, is_http_form ? text + 6 : text);
    if (!text || *text++ != '-') {
        return APR_EINVAL;
    }
    text = read_number(&last, text);
    if (text && is_http_form) {
        if (*text++ != '/') {
            return APR_EINVAL;
        }
        text = *text == '*' ? text + 1 : read_number(&size, text);
    }

    /* A number that was too large is OFFSET_MAX, so it is not below size. */
    if (!text || *text || last < range->first || last >= size) {
        return APR_EINVAL;
    }
    range->length = last - range->first + 1;
    return APR_SUCCESS;
}
