/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file dbm_tree.h
 * @brief A B+tree of sorted names, kept in the records of a DBM
 *
 * A DBM finds a record by its key only.  The tree adds the list of names, and
 * their order.
 */

#ifndef OCI_DBM_TREE_H
#define OCI_DBM_TREE_H

#include "apr_hash.h"

#include "store/dbm/dbm_records.h"

/** A tree.  The owner of the records stores root and last. */
typedef struct oci_dbm_tree_t {
    oci_dbm_records_t *records;
    apr_uint32_t root; /* the number of the root node, 0 if the tree is empty */
    apr_uint32_t last; /* the last number that was given to a node */
    apr_hash_t *cache; /* cached branches: empty at first; NULL if the tree is
                          to be changed */
    int level; /* the depth of the node that oci_dbm_tree_change is changing */
} oci_dbm_tree_t;

/** A name to add or delete. */
typedef struct oci_dbm_tree_change_t {
    const char *name; /* 1..1023 bytes */
    int deleted;
} oci_dbm_tree_change_t;

/**
 * Look for a name.
 * @return APR_NOTFOUND, or EIO if the tree is damaged
 */
apr_status_t oci_dbm_tree_find(const oci_dbm_tree_t *tree, const char *name,
                               apr_pool_t *pool);

/**
 * List the names with a prefix.
 * @param names Receives const char *, sorted
 * @param after Only names greater than this, which is not less than prefix
 * @param prefix The prefix of the names
 * @param limit The maximum number of names; 1 or more
 * @return EIO if the tree is damaged
 */
apr_status_t oci_dbm_tree_list(apr_array_header_t *names,
                               const oci_dbm_tree_t *tree, const char *after,
                               const char *prefix, int limit);

/**
 * Add and delete names.  Adding an existing name or deleting a missing one
 * succeeds.  After an error the tree must be discarded.
 * @param changes Sorted by name, each name once
 * @return EIO
 */
apr_status_t oci_dbm_tree_change(oci_dbm_tree_t *tree,
                                 const oci_dbm_tree_change_t *changes,
                                 int count, apr_pool_t *pool);

#endif /* OCI_DBM_TREE_H */
