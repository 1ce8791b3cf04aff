/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file tag_cursor.h
 * @brief A place in a list of tags, newest first
 *
 * The order is: later pushes first, pushes at the same time by the bytes of the
 * tag, and tags whose time is not known, 0, at the end.  The text of a place
 * is the time in seconds, ".", and the tag: "1732800000.v1".
 */

#ifndef OCI_TAG_CURSOR_H
#define OCI_TAG_CURSOR_H

#include "apr_errno.h"
#include "apr_pools.h"

#include "values/name.h"

typedef struct oci_tag_cursor_t {
    apr_int64_t seconds; /* since 1970, UTC; 0: unknown */
    char tag[OCI_TAG_MAX + 1];
} oci_tag_cursor_t;

/**
 * Read the text of a place.
 * @return APR_SUCCESS; APR_EINVAL if it has another form
 */
apr_status_t oci_tag_cursor_parse(oci_tag_cursor_t *cursor, const char *text);

/** Return the text of a place, which needs no escapes in a URL. */
const char *oci_tag_cursor_format(const oci_tag_cursor_t *cursor,
                                  apr_pool_t *pool);

/** Return less than, equal to or greater than 0 if one comes before, is or
 * comes after the other. */
int oci_tag_cursor_compare(const oci_tag_cursor_t *one,
                           const oci_tag_cursor_t *other);

#endif /* OCI_TAG_CURSOR_H */
