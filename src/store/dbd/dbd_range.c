/* SPDX-License-Identifier: Apache-2.0 */

/* The ends of a range of keys.  Keys have only ASCII bytes, and a database may
 * refuse other ones. */

#include <string.h>

#include "apr_strings.h"

#include "store/dbd/dbd_range.h"

const char *oci_dbd_range_begin(const oci_scan_t *range, apr_pool_t *pool)
{
    char *bound = apr_pstrcat(pool, range->prefix, range->after, NULL);
    char *byte;

    for (byte = bound; *byte; byte++) {
        if ((unsigned char)*byte > 0x7f) {
            byte[0] = '\x7f';
            byte[1] = '\0';
            break;
        }
    }
    return bound;
}

const char *oci_dbd_range_end(const oci_scan_t *range, apr_pool_t *pool)
{
    apr_size_t length = strlen(range->prefix);
    char *bound;

    if (!length) {
        return "\x7f";
    }
    bound = apr_pstrmemdup(pool, range->prefix, length);
    bound[length - 1]++;
    return bound;
}
