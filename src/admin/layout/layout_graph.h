/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file layout_graph.h
 * @brief What the images of a layout consist of, verified before anything is
 *        imported
 */

#ifndef OCI_LAYOUT_GRAPH_H
#define OCI_LAYOUT_GRAPH_H

#include "apr_tables.h"

#include "admin/import/import_run.h"
#include "values/document.h"

/** A manifest or a blob. */
typedef struct oci_layout_node_t {
    const char *digest;
    const char *media_type; /* as its descriptor states it */
    int is_manifest;
    int may_be_blob;   /* its media type is not that of a manifest */
    int is_root;       /* index.json names it */
    int has_subject;   /* it is a referrer */
    apr_off_t size;    /* bytes; -1: it is not there */
    const char *fault; /* what is wrong with it or with something that it needs,
                          as the end of a sentence; or NULL */
    int is_needed;     /* its fault matters even if it is not there: it is a
                          root, or another node needs it */
    int is_wanted;     /* it is to be imported */
    const oci_child_t *children; /* what it names */
    int count;                   /* number of children */
} oci_layout_node_t;

/** The nodes of a repository. */
typedef struct oci_layout_graph_t {
    oci_import_t *import;
    const oci_repository_t *repository;
    apr_array_header_t *nodes; /* of oci_layout_node_t, by kind and digest */
    apr_pool_t *pool;
} oci_layout_graph_t;

/**
 * Read and verify all that is reachable from manifests, in the layout or in the
 * repository, and print what is wrong.  Ends early if a signal is pending.
 * @param graph Set to the nodes
 * @param repository For which the manifests are
 * @param roots An array of const oci_descriptor_t *: the manifests
 * @param pool For the result
 * @return An error of our stores, which ends the run
 */
oci_error_t *oci_layout_graph_read(oci_layout_graph_t **graph,
                                   oci_import_t *import,
                                   const oci_repository_t *repository,
                                   const apr_array_header_t *roots,
                                   apr_pool_t *pool);

/** Find a node; NULL if there is none. */
oci_layout_node_t *oci_layout_graph_find(const oci_layout_graph_t *graph,
                                         const char *digest, int is_manifest);

/** Mark as wanted all that is reachable from the nodes that are wanted, but for
 * what is missing. */
void oci_layout_graph_mark_wanted(const oci_layout_graph_t *graph);

#endif /* OCI_LAYOUT_GRAPH_H */
