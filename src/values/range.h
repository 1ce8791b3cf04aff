/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file range.h
 * @brief Byte ranges: the Range header, and the Content-Range of an upload
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
 * Parse a Range header (RFC 9110, 14.2).
 * @param ranges Set to an array of oci_range_t with the satisfiable ranges, in
 *        their order and not merged
 * @param text The value of the header
 * @param size The size of the content in bytes
 * @return APR_SUCCESS with at least one range; APR_ENOTIMPL for a unit other
 *         than bytes: the caller ignores the header; APR_EINVAL if no range can
 *         be satisfied, one is malformed, or they overlap so much that their
 *         sum is larger than the content
 */
apr_status_t oci_ranges_parse(apr_array_header_t **ranges, const char *text,
                              apr_off_t size, apr_pool_t *pool);

/**
 * Parse the Content-Range of an upload: "first-last" as in the
 * distribution-spec, or "bytes first-last/size" as in HTTP; size may be an
 * asterisk.
 * @param range Set to the range
 * @return APR_SUCCESS; APR_EINVAL for any other form, or if last < first
 */
apr_status_t oci_content_range_parse(oci_range_t *range, const char *text);

#endif /* OCI_RANGE_H */
