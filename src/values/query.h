/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file query.h
 * @brief Parsing a URL's query string, and the parameters of a page
 */

#ifndef OCI_QUERY_H
#define OCI_QUERY_H

#include "apr_errno.h"
#include "apr_tables.h"

/**
 * Parse a query string, encoded like an HTML form: "+" is a space, %XX a byte.
 * @param query Set to the decoded parameters, in their order and with all
 *        repetitions
 * @param text The query without "?", or NULL for none
 * @return APR_SUCCESS; APR_EINVAL if an escape is not two hex digits, or is a
 *         NUL
 */
apr_status_t oci_query_parse(apr_table_t **query, const char *text,
                             apr_pool_t *pool);

/** A page of a list (distribution-spec, "Listing Tags"). */
typedef struct oci_page_t {
    int given;        /* whether n has a value */
    int limit;        /* n: the largest number of entries; 0 if not given */
    const char *last; /* the entries after this one; NULL from the first on */
} oci_page_t;

/**
 * Read the parameters n and last.
 * @param page Filled in; an empty n counts as not given, and a value too large
 *        for an int becomes INT_MAX
 * @return APR_SUCCESS; APR_EINVAL if n is not a number, 0 or more
 */
apr_status_t oci_page_parse(oci_page_t *page, const apr_table_t *query);

#endif /* OCI_QUERY_H */
