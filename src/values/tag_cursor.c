/* SPDX-License-Identifier: Apache-2.0 */

/* A place in a list of tags, newest first. */

#include "values/tag_cursor.h"

#include <string.h>

#include "apr_lib.h"
#include "apr_strings.h"

/* The most digits of a time. */
#define DIGITS_MAX 18

apr_status_t oci_tag_cursor_parse(oci_tag_cursor_t *cursor, const char *text)
{
    const char *dot = strchr(text, '.');
    const char *p;

    if (!dot || dot == text || dot - text > DIGITS_MAX
        || !oci_tag_valid(dot + 1)) {
        return APR_EINVAL;
    }
    cursor->seconds = 0;
    for (p = text; p < dot; p++) {
        if (!apr_isdigit(*p)) {
            return APR_EINVAL;
        }
        cursor->seconds = 10 * cursor->seconds + (*p - '0');
    }
    apr_cpystrn(cursor->tag, dot + 1, sizeof(cursor->tag));
    return APR_SUCCESS;
}

const char *oci_tag_cursor_format(const oci_tag_cursor_t *cursor,
                                  apr_pool_t *pool)
{
    return apr_psprintf(pool, "%" APR_INT64_T_FMT ".%s", cursor->seconds,
                        cursor->tag);
}

int oci_tag_cursor_compare(const oci_tag_cursor_t *one,
                           const oci_tag_cursor_t *other)
{
    if (one->seconds != other->seconds) {
        return one->seconds > other->seconds ? -1 : 1;
    }
    return strcmp(one->tag, other->tag);
}
