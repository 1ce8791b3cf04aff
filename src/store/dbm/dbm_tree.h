/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file dbm_tree.h
 * @brief Names in order, kept in records that have none
 *
 * A DBM finds a record by its key alone: which names there are, and in what
 * order, is what the tree adds.
 */

#ifndef OCI_DBM_TREE_H
#define OCI_DBM_TREE_H

#include "apr_hash.h"

#include "store/dbm/dbm_records.h"

/** A tree; all of it is written down by who writes the records. */
typedef struct oci_dbm_tree_t {
    oci_dbm_records_t *records;
    apr_uint32_t root; /* a node's number, 0 where there is no name */
    apr_uint32_t last; /* the last number that was given to a node */
    apr_hash_t *known; /* nodes that are remembered: empty at first;
                          NULL where the tree is to be changed */
    int level;         /* of the node that oci_dbm_tree_change is at */
} oci_dbm_tree_t;

/** One name that comes or goes. */
typedef struct oci_dbm_tree_change_t {
    const char *name; /* 1..1023 bytes */
    int gone;
} oci_dbm_tree_change_t;

/**
 * Look for a name.
 * @return APR_NOTFOUND, or EIO where the tree is damaged
 */
apr_status_t oci_dbm_tree_find(const oci_dbm_tree_t *tree, const char *name,
                               apr_pool_t *pool);

/**
 * List names of a folder.
 * @param names Receives const char *, in order
 * @param after Only names greater than that, which is itself not less than
 *        folder
 * @param folder What names begin with
 * @param limit How many names at most; 1 or more
 * @return EIO where the tree is damaged
 */
apr_status_t oci_dbm_tree_list(apr_array_header_t *names,
                               const oci_dbm_tree_t *tree, const char *after,
                               const char *folder, int limit);

/**
 * Let names come and go.  That one is there already, or is not, is no
 * error.  After an error the tree is to be thrown away.
 * @param changes In the order of names, each name once
 * @return EIO
 */
apr_status_t oci_dbm_tree_change(oci_dbm_tree_t *tree,
                                 const oci_dbm_tree_change_t *changes,
                                 int count, apr_pool_t *pool);

#endif /* OCI_DBM_TREE_H */
