/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file glob.h
 * @brief Patterns of repository names
 */

#ifndef OCI_GLOB_H
#define OCI_GLOB_H

#include "apr_pools.h"

/**
 * Whether a pattern matches the whole of a name: "*" stands for any bytes
 * within a component, "**" for any bytes at all, "\x" for x itself.  The
 * time grows with the product of both lengths and no faster.
 */
int oci_glob_match(const char *pattern, const char *name, apr_pool_t *pool);

/** A value as a pattern that matches nothing else. */
const char *oci_glob_escape(const char *value, apr_pool_t *pool);

#endif /* OCI_GLOB_H */
