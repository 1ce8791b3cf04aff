/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file dbm_node.h
 * @brief One node of a tree: names in order, in a record
 */

#ifndef OCI_DBM_NODE_H
#define OCI_DBM_NODE_H

#include "store/dbm/dbm_records.h"

/** Bytes that a node has at most.  With its sum it fits one page. */
#define OCI_NODE_MAX 4000

/** A name of a leaf, or a child of a branch. */
typedef struct oci_dbm_node_item_t {
    const char *name;   /* of a child: not above any name in it, and above
                           all in the one before */
    apr_uint32_t child; /* its number */
    apr_uint32_t size;  /* its bytes */
} oci_dbm_node_item_t;

/** A node as it is changed. */
typedef struct oci_dbm_node_t {
    int branch;
    apr_array_header_t *items; /* oci_dbm_node_item_t */
} oci_dbm_node_t;

/** A node as it is read: items one by one. */
typedef struct oci_dbm_node_cursor_t {
    int branch;
    const char *prefix; /* of all names, not ended by a NUL */
    apr_size_t prefix_size;
    const char *name; /* the rest of the name, not ended by a NUL */
    apr_size_t name_size;
    apr_uint32_t child; /* its number */
    apr_uint32_t size;  /* its bytes */
    const char *next;
    const char *end;
} oci_dbm_node_cursor_t;

/**
 * Read a node.
 * @param cursor Set before its first item
 * @param pool Holds the node's bytes
 * @return EIO where there is no such node or it is damaged
 */
apr_status_t oci_dbm_node_open(oci_dbm_node_cursor_t *cursor,
                               oci_dbm_records_t *records, apr_uint32_t number,
                               apr_pool_t *pool);

/**
 * Go to the next item.
 * @return APR_EOF at the end, EIO where the node is damaged
 */
apr_status_t oci_dbm_node_next(oci_dbm_node_cursor_t *cursor);

/** The order of the name at the cursor and another, as strcmp tells it. */
int oci_dbm_node_compare(const oci_dbm_node_cursor_t *cursor, const char *name);

/** The name at the cursor, whole. */
const char *oci_dbm_node_name(const oci_dbm_node_cursor_t *cursor,
                              apr_pool_t *pool);

/** Read a node to change it, one item at least; as oci_dbm_node_open. */
apr_status_t oci_dbm_node_read(oci_dbm_node_t *node, oci_dbm_records_t *records,
                               apr_uint32_t number, apr_pool_t *pool);

/**
 * How many items, from first on, a single node can hold.
 * @param limit Bytes, at most OCI_NODE_MAX; one item is held in any case
 * @param size Set to the bytes of that node
 */
int oci_dbm_node_fit(apr_uint32_t *size, const oci_dbm_node_t *node, int first,
                     apr_size_t limit);

/**
 * Write count items, which fit, from first on as a node.
 * @return EIO if their names are not in order, as those of a damaged tree
 *         may be, or as oci_dbm_records_put
 */
apr_status_t oci_dbm_node_write(oci_dbm_records_t *records, apr_uint32_t number,
                                const oci_dbm_node_t *node, int first,
                                int count);

/** Delete a node. */
apr_status_t oci_dbm_node_delete(oci_dbm_records_t *records,
                                 apr_uint32_t number);

/** How many bytes two names begin with alike. */
apr_size_t oci_dbm_node_common(const char *name, const char *other);

#endif /* OCI_DBM_NODE_H */
