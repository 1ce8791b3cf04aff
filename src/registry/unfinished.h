/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file unfinished.h
 * @brief The ids of unfinished copies and moves of a blob store
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

/**
 * Return what an index has for the id of its blob store while its records are
 * replaced by those of another store.
 * @param id Of the other store
 */
const char *oci_unfinished_move(const char *id, apr_pool_t *pool);

/** Return 1 if an index has this for the id of its blob store while its records
 * are replaced, otherwise 0. */
int oci_unfinished_is_move(const char *id);

#endif /* OCI_UNFINISHED_H */
