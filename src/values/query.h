/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file query.h
 * @brief A URL's query: decoded parameters, and those of a page
 */

#ifndef OCI_QUERY_H
#define OCI_QUERY_H

#include "apr_errno.h"
#include "apr_tables.h"

/**
 * Take a query apart, as HTML forms are written: "+" is a space, %XX a byte.
 * @param query Set to the parameters in their order, repeated ones each
 * @param text The query without "?", or NULL for none
 * @return APR_EINVAL where an escape is no two hex digits, or a NUL
 */
apr_status_t oci_query_parse(apr_table_t **query, const char *text,
                             apr_pool_t *pool);

/** A page of a list (distribution-spec, "Listing Tags"). */
typedef struct oci_page_t {
    int given;        /* whether n was there */
    int limit;        /* n: entries at most; 0 where it was not there */
    const char *last; /* entries after this one, or NULL */
} oci_page_t;

/**
 * Read n and last.
 * @return APR_EINVAL where n is no number from 0 up; one too large for an
 *         int is cut to the greatest
 */
apr_status_t oci_page_parse(oci_page_t *page, const apr_table_t *query);

#endif /* OCI_QUERY_H */
