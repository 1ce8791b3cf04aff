/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file words.h
 * @brief Splits text into words, as httpd splits a line of its configuration
 */

#ifndef OCI_WORDS_H
#define OCI_WORDS_H

#include "apr_pools.h"
#include "apr_tables.h"

/**
 * Split text into the words that ap_getword_conf finds: blanks are between
 * words, quotes may be around one, and a backslash stays, unless the next
 * character is another one or the quote.
 * @return An array of const char *, from pool
 */
apr_array_header_t *oci_words_split(const char *text, apr_pool_t *pool);

#endif /* OCI_WORDS_H */
