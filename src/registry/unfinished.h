/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file unfinished.h
 * @brief The id of a blob store as long as it is an unfinished copy
 */

#ifndef OCI_UNFINISHED_H
#define OCI_UNFINISHED_H

#include "apr_pools.h"

/**
 * Return the id of an unfinished copy.
 * @param id Of the original
 */
const char *oci_unfinished_id(const char *id, apr_pool_t *pool);

/** Return 1 if an id is that of an unfinished copy, otherwise 0. */
int oci_unfinished_is_id(const char *id);

#endif /* OCI_UNFINISHED_H */
