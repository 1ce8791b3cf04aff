/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file show_node.h
 * @brief Prints a tree of manifests, blobs and referrers
 *
 * As text, a node is a line, indented by its depth, and further lines for what
 * is known of it.  As JSON, it is an object with an array "children".  All text
 * of clients is escaped.
 */

#ifndef OCI_SHOW_NODE_H
#define OCI_SHOW_NODE_H

#include "apr_tables.h"

#include "values/origin.h"

/** The greatest depth of a node; the root's is 0. */
#define OCI_NODE_DEPTH 32

/** A node.  What is NULL, or 0, is not known or does not apply. */
typedef struct oci_node_t {
    const char *kind; /* "index", "manifest", "config", "layer", "blob",
                         "subject" or "referrer" */
    const char *digest;
    const char *media_type;
    apr_uint64_t size;         /* bytes; not known without media_type */
    apr_uint64_t total;        /* with all that it names, bytes */
    const char *artifact_type; /* of a referrer or its subject */
    const char *platform;      /* for people */
    const char *platform_json;
    const char *annotations;        /* the text of a JSON object of strings */
    const apr_array_header_t *tags; /* const char *: those that name it */
    const oci_origin_t *origin;
    apr_int64_t pulled; /* last, in seconds since 1970 */
    const char *note;   /* what is wrong with it */
} oci_node_t;

/** The tree that is being printed.  Zero it, and set json. */
typedef struct oci_tree_t {
    int json;
    int depth;                        /* of the next node */
    int children[OCI_NODE_DEPTH + 1]; /* whether the node at each depth has any
                                       */
} oci_tree_t;

/** Print a node; those until oci_tree_end are its children.
 * @param pool For temporary data */
void oci_tree_begin(oci_tree_t *tree, const oci_node_t *node, apr_pool_t *pool);

/** End the node that was begun last. */
void oci_tree_end(oci_tree_t *tree);

#endif /* OCI_SHOW_NODE_H */
