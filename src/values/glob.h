/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file glob.h
 * @brief Matching repository names against patterns with "*" and "**"
 */

#ifndef OCI_GLOB_H
#define OCI_GLOB_H

#include "apr_pools.h"

/**
 * Check whether a pattern matches an entire name.  In the pattern, "*" stands
 * for any bytes within a component, "**" for any bytes, "\x" for x itself.  The
 * time is at most proportional to the product of both lengths.
 * @param pool For temporary data
 * @return 1 if it matches, otherwise 0
 */
int oci_glob_match(const char *pattern, const char *name, apr_pool_t *pool);

/**
 * Find out why a pattern, or a part of one, cannot match any repository name.
 * @param is_first The part begins the pattern
 * @param is_last The part ends the pattern
 * @return NULL, or a sentence
 */
const char *oci_glob_explain_useless(const char *part, int is_first,
                                     int is_last);

/** Make a pattern that matches only this value. */
const char *oci_glob_escape(const char *value, apr_pool_t *pool);

#endif /* OCI_GLOB_H */
