/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file dbm_node.h
 * @brief A node of the B+tree: sorted names, in one record
 */

#ifndef OCI_DBM_NODE_H
#define OCI_DBM_NODE_H

#include "store/dbm/dbm_records.h"

/**
 * The maximum size of a node, bytes.  With its checksum it fits in one page.
 */
#define OCI_NODE_MAX 4000

/** An item of a node: a name of a leaf, or a child of a branch. */
typedef struct oci_dbm_node_item_t {
    const char *name;   /* of a child: not greater than any name in it, and
                           greater than all names in the child before */
    apr_uint32_t child; /* its number */
    apr_uint32_t size;  /* its bytes */
} oci_dbm_node_item_t;

/** A node in memory, to be changed. */
typedef struct oci_dbm_node_t {
    int branch;
    apr_array_header_t *items; /* oci_dbm_node_item_t */
} oci_dbm_node_t;

/** A cursor that reads the items of a node one by one. */
typedef struct oci_dbm_node_cursor_t {
    int branch;
    const char *prefix; /* common to all names, without a NUL */
    apr_size_t prefix_size;
    const char *name; /* the rest of the item's name, without a NUL */
    apr_size_t name_size;
    apr_uint32_t child; /* its number */
    apr_uint32_t size;  /* its bytes */
    const char *next;
    const char *end;
} oci_dbm_node_cursor_t;

/**
 * Open a cursor on a node.
 * @param cursor Set before the first item
 * @param pool Holds the bytes of the node
 * @return EIO if the node does not exist or is damaged
 */
apr_status_t oci_dbm_node_open(oci_dbm_node_cursor_t *cursor,
                               oci_dbm_records_t *records, apr_uint32_t number,
                               apr_pool_t *pool);

/**
 * Move to the next item.
 * @return APR_EOF after the last item, EIO if the node is damaged
 */
apr_status_t oci_dbm_node_next(oci_dbm_node_cursor_t *cursor);

/** Compare the name at the cursor with another, as strcmp does. */
int oci_dbm_node_compare(const oci_dbm_node_cursor_t *cursor, const char *name);

/** Return the complete name at the cursor. */
const char *oci_dbm_node_name(const oci_dbm_node_cursor_t *cursor,
                              apr_pool_t *pool);

/**
 * Read a node into memory; it has at least one item.  Returns as
 * oci_dbm_node_open.
 */
apr_status_t oci_dbm_node_read(oci_dbm_node_t *node, oci_dbm_records_t *records,
                               apr_uint32_t number, apr_pool_t *pool);

/**
 * Return how many items, from first on, fit in a single node.
 * @param size Set to the size of that node, bytes
 * @param limit Bytes, at most OCI_NODE_MAX; at least one item is counted even
 *        if it does not fit
 */
int oci_dbm_node_fit(apr_uint32_t *size, const oci_dbm_node_t *node, int first,
                     apr_size_t limit);

/**
 * Write count items, from first on, as a node; they must fit.
 * @return EIO if their names are not sorted, which happens in a damaged tree;
 *         or as oci_dbm_records_put
 */
apr_status_t oci_dbm_node_write(oci_dbm_records_t *records, apr_uint32_t number,
                                const oci_dbm_node_t *node, int first,
                                int count);

/** Delete a node; as oci_dbm_records_delete. */
apr_status_t oci_dbm_node_delete(oci_dbm_records_t *records,
                                 apr_uint32_t number);

/** Return the length of the common prefix of two names, bytes. */
apr_size_t oci_dbm_node_common_prefix(const char *name, const char *other);

#endif /* OCI_DBM_NODE_H */
