/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file range.h
 * @brief Byte ranges of replies and of uploads
 */

#ifndef OCI_RANGE_H
#define OCI_RANGE_H

#include "apr_errno.h"
#include "apr_tables.h"

typedef struct oci_range_t {
    apr_off_t first;  /* offset of the first byte */
    apr_off_t length; /* bytes, at least 1 */
} oci_range_t;

/**
 * Read a Range header (RFC 9110, 14.2): each satisfiable range as asked, in
 * the order asked, none merged.
 * @param ranges Set to an array of oci_range_t, at least one
 * @param text The header's value
 * @param size Bytes of the whole
 * @return APR_ENOTIMPL for a unit other than bytes, which is to be ignored;
 *         APR_EINVAL where no range can be satisfied, one is malformed, or
 *         they overlap so far that they ask for more than the whole
 */
apr_status_t oci_ranges_parse(apr_array_header_t **ranges, const char *text,
                              apr_off_t size, apr_pool_t *pool);

/**
 * Read the Content-Range of an upload: "first-last" as the distribution-spec
 * writes it, or "bytes first-last/size" (or "/" and an asterisk) as HTTP does.
 * @param range Set to it
 * @return APR_EINVAL for any other form, and where last < first
 */
apr_status_t oci_content_range_parse(oci_range_t *range, const char *text);

#endif /* OCI_RANGE_H */
