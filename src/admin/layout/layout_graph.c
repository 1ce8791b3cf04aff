/* SPDX-License-Identifier: Apache-2.0 */

/* What the images of a layout consist of.  The manifests are read level by
 * level: first those that index.json names, then those that these name. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "apr_strings.h"

#include "admin/interrupt.h"
#include "admin/layout/layout_graph.h"
#include "registry/blob.h"
#include "registry/children.h"

/* Media types of manifests.  An index may name anything else, too: it is a
 * manifest if its bytes are one, and otherwise a blob. */
static const char *const manifest_types[] = {
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
};

/* The most levels of manifests. */
#define LEVELS_MAX 32

#define MISSING "it is missing: neither the layout nor the repository has it"

static int compare_nodes(const void *one, const void *other)
{
    const oci_layout_node_t *left = one, *right = other;
    int order = left->is_manifest - right->is_manifest;

    return order ? order : strcmp(left->digest, right->digest);
}

static void sort_nodes(const apr_array_header_t *nodes)
{
    qsort(nodes->elts, nodes->nelts, nodes->elt_size, compare_nodes);
}

oci_layout_node_t *oci_layout_graph_find(const oci_layout_graph_t *graph,
                                         const char *digest, int is_manifest)
{
    oci_layout_node_t wanted = { .digest = digest, .is_manifest = is_manifest };

    return bsearch(&wanted, graph->nodes->elts, graph->nodes->nelts,
                   sizeof(wanted), compare_nodes);
}

static int has_manifest_type(const oci_child_t *child)
{
    apr_size_t i;

    for (i = 0; i < sizeof(manifest_types) / sizeof(*manifest_types); i++) {
        if (!strcasecmp(child->descriptor.media_type, manifest_types[i])) {
            return 1;
        }
    }
    return 0;
}

static oci_layout_node_t *find_child(const oci_layout_graph_t *graph,
                                     const oci_child_t *child)
{
    const char *digest = child->descriptor.digest;
    oci_layout_node_t *node = child->kind == OCI_CHILD_MANIFEST
        ? oci_layout_graph_find(graph, digest, 1)
        : NULL;

    return node ? node : oci_layout_graph_find(graph, digest, 0);
}

static oci_layout_node_t *add_node(apr_array_header_t *nodes,
                                   const char *digest, int is_manifest)
{
    oci_layout_node_t *node = apr_array_push(nodes);

    memset(node, 0, sizeof(*node));
    node->digest = digest;
    node->is_manifest = is_manifest;
    node->size = -1;
    return node;
}

/* Sort new nodes, and drop those that are there twice or known already. */
static void keep_new(const oci_layout_graph_t *graph, apr_array_header_t *nodes)
{
    oci_layout_node_t *all = (oci_layout_node_t *)nodes->elts;
    int i, kept = 0;

    sort_nodes(nodes);
    for (i = 0; i < nodes->nelts; i++) {
        if ((!kept || compare_nodes(&all[kept - 1], &all[i]))
            && !oci_layout_graph_find(graph, all[i].digest,
                                      all[i].is_manifest)) {
            all[kept++] = all[i];
        }
        else if (kept && !compare_nodes(&all[kept - 1], &all[i])
                 && !all[i].may_be_blob) {
            all[kept - 1] = all[i];
        }
    }
    nodes->nelts = kept;
}

/* Copy what a manifest names out of the pool for one manifest. */
static void keep_children(const oci_layout_graph_t *graph,
                          oci_layout_node_t *node,
                          const oci_document_t *document)
{
    oci_child_t *children = apr_pmemdup(graph->pool, document->children->elts,
                                        document->children->nelts
                                            * sizeof(*children));
    int i;

    node->has_subject = document->subject != NULL;
    node->children = children;
    node->count = document->children->nelts;
    for (i = 0; i < node->count; i++) {
        oci_descriptor_t *descriptor = &children[i].descriptor;

        descriptor->digest = apr_pstrdup(graph->pool, descriptor->digest);
        descriptor->media_type = apr_pstrdup(graph->pool,
                                             descriptor->media_type);
    }
}

static oci_error_t *read_manifest(const oci_layout_graph_t *graph,
                                  oci_layout_node_t *node, apr_pool_t *scratch)
{
    oci_import_manifest_t manifest = { .stated_type = node->media_type };
    oci_error_t *error = oci_import_manifest_load(&manifest, graph->import,
                                                  graph->repository,
                                                  node->digest, scratch);

    if (error) {
        return error;
    }
    if (!manifest.absent) {
        node->size = manifest.size;
    }
    if (manifest.fault) {
        node->fault = manifest.absent
            ? MISSING
            : apr_pstrdup(graph->pool, manifest.fault);
        return NULL;
    }
    keep_children(graph, node, manifest.document);
    return NULL;
}

/* Verify a blob, unless the repository holds it. */
static oci_error_t *read_blob(const oci_layout_graph_t *graph,
                              oci_layout_node_t *node, apr_pool_t *scratch)
{
    oci_import_t *import = graph->import;
    const char *actual;
    oci_import_file_t file;
    oci_blob_t blob;
    oci_error_t *error = oci_blob_stat(&blob, graph->repository, node->digest,
                                       scratch);
    apr_status_t rv;

    if (!error || error->code != OCI_E_BLOB_UNKNOWN) {
        node->size = error ? -1 : blob.size;
        return error;
    }
    rv = import->open(&file, import->source, node->digest);
    if (rv != APR_SUCCESS) {
        node->fault = rv == ENOENT ? MISSING
                                   : oci_import_fault(rv, graph->pool);
        return NULL;
    }
    node->size = file.size;
    rv = oci_import_file_digest(&actual, &file,
                                oci_digest_algorithm(node->digest), scratch);
    oci_import_file_close(&file);
    if (rv != APR_SUCCESS) {
        node->fault = oci_import_fault(rv, graph->pool);
    }
    else if (strcmp(actual, node->digest)) {
        node->fault = apr_pstrcat(graph->pool, "its bytes have the digest ",
                                  actual, NULL);
    }
    return NULL;
}

/* Read each of some new nodes. */
static oci_error_t *read_nodes(const oci_layout_graph_t *graph,
                               const apr_array_header_t *nodes)
{
    apr_pool_t *scratch;
    oci_error_t *error = NULL;
    apr_uint64_t bytes = 0;
    int i;
    apr_status_t rv = apr_pool_create(&scratch, graph->pool);

    if (rv != APR_SUCCESS) {
        return oci_error_storage(graph->pool, rv, "cannot read the layout");
    }
    for (i = 0; i < nodes->nelts && !error && !oci_interrupt_pending(); i++) {
        oci_layout_node_t *node = &APR_ARRAY_IDX(nodes, i, oci_layout_node_t);

        error = (node->is_manifest ? read_manifest : read_blob)(graph, node,
                                                                scratch);
        if (error) {
            error = oci_error_storage(graph->pool, APR_SUCCESS, "%s",
                                      oci_error_text(error, scratch));
        }
        bytes += node->size > 0 ? node->size : 0;
        oci_progress_show(graph->import->progress, i + 1, bytes);
        apr_pool_clear(scratch);
    }
    apr_pool_destroy(scratch);
    return error;
}

/* Add new nodes to the graph. */
static void add_nodes(const oci_layout_graph_t *graph,
                      const apr_array_header_t *nodes)
{
    apr_array_cat(graph->nodes, nodes);
    sort_nodes(graph->nodes);
}

/* Move what is not a manifest, and need not be one, to the blobs. */
static void move_blobs(apr_array_header_t *blobs, apr_array_header_t *manifests)
{
    oci_layout_node_t *all = (oci_layout_node_t *)manifests->elts;
    int i, kept = 0;

    for (i = 0; i < manifests->nelts; i++) {
        if (all[i].may_be_blob && all[i].fault) {
            add_node(blobs, all[i].digest, 0);
        }
        else {
            all[kept++] = all[i];
        }
    }
    manifests->nelts = kept;
}

/* Add what manifests name to the new manifests and blobs. */
static void add_children(apr_array_header_t *manifests,
                         apr_array_header_t *blobs,
                         const apr_array_header_t *from)
{
    int i, k;

    for (i = 0; i < from->nelts; i++) {
        const oci_layout_node_t *node = &APR_ARRAY_IDX(from, i,
                                                       oci_layout_node_t);

        for (k = 0; k < node->count; k++) {
            const oci_child_t *child = &node->children[k];
            int kind = child->kind == OCI_CHILD_MANIFEST;
            oci_layout_node_t *added = add_node(kind ? manifests : blobs,
                                                child->descriptor.digest, kind);

            added->media_type = child->descriptor.media_type;
            added->may_be_blob = kind && !has_manifest_type(child);
        }
    }
}

static apr_array_header_t *make_nodes(apr_pool_t *pool)
{
    return apr_array_make(pool, 16, sizeof(oci_layout_node_t));
}

/* Return what is wrong with something that a node names; NULL if nothing is. */
static const char *child_fault(const oci_layout_graph_t *graph,
                               const oci_child_t *child)
{
    const char *digest = child->descriptor.digest;
    oci_layout_node_t *node = find_child(graph, child);

    if (node->size < 0
        && oci_child_may_be_absent(graph->import->registry, child)) {
        return NULL;
    }
    if (!node->fault && node->size != child->descriptor.size) {
        return apr_psprintf(graph->pool,
                            "it states a size of %" APR_OFF_T_FMT
                            " bytes for %s, which has %" APR_OFF_T_FMT,
                            child->descriptor.size, digest, node->size);
    }
    node->is_needed |= node->fault != NULL;
    return node->fault ? apr_pstrcat(graph->pool, "it needs ", digest,
                                     ", which cannot be imported", NULL)
                       : NULL;
}

/* Give a node a fault if something that it names is wrong.  Returns whether it
 * has one. */
static int check_children(const oci_layout_graph_t *graph,
                          oci_layout_node_t *node)
{
    int i;

    for (i = 0; i < node->count && !node->fault; i++) {
        node->fault = child_fault(graph, &node->children[i]);
    }
    return node->fault != NULL;
}

/* Give a fault to all nodes that need one with a fault. */
static void spread_faults(const oci_layout_graph_t *graph)
{
    oci_layout_node_t *all = (oci_layout_node_t *)graph->nodes->elts;
    int i, found;

    do {
        found = 0;
        for (i = 0; i < graph->nodes->nelts; i++) {
            found |= !all[i].fault && check_children(graph, &all[i]);
        }
    } while (found);
}

/* Print what is wrong.  What is missing only matters if it is needed. */
static void report_faults(const oci_layout_graph_t *graph)
{
    int i;

    for (i = 0; i < graph->nodes->nelts; i++) {
        const oci_layout_node_t *node = &APR_ARRAY_IDX(graph->nodes, i,
                                                       oci_layout_node_t);

        if (node->fault && (node->size >= 0 || node->is_needed)) {
            oci_import_skip(graph->import, "%s, %s %s: %s",
                            graph->repository->name,
                            node->is_manifest ? "manifest" : "blob",
                            node->digest, node->fault);
        }
    }
}

/* Add nodes that are too deep. */
static void refuse_nodes(const oci_layout_graph_t *graph,
                         const apr_array_header_t *nodes)
{
    int i;

    for (i = 0; i < nodes->nelts; i++) {
        oci_layout_node_t *node = &APR_ARRAY_IDX(nodes, i, oci_layout_node_t);

        node->size = 0; /* it is not absent */
        node->fault = "more than 32 indexes lead to it, one through the other";
    }
    add_nodes(graph, nodes);
}

/* Read all manifests, and collect the blobs that they name. */
static oci_error_t *read_manifests(const oci_layout_graph_t *graph,
                                   apr_array_header_t *blobs,
                                   const apr_array_header_t *roots)
{
    apr_array_header_t *level = make_nodes(graph->pool);
    oci_error_t *error = NULL;
    int i, depth;

    for (i = 0; i < roots->nelts; i++) {
        const oci_descriptor_t *root = APR_ARRAY_IDX(roots, i,
                                                     const oci_descriptor_t *);

        add_node(level, root->digest, 1)->media_type = root->media_type;
    }
    keep_new(graph, level);
    for (depth = 0; depth < LEVELS_MAX && !error && !oci_interrupt_pending();
         depth++) {
        apr_array_header_t *next = make_nodes(graph->pool);

        error = read_nodes(graph, level);
        move_blobs(blobs, level);
        add_nodes(graph, level);
        add_children(next, blobs, level);
        keep_new(graph, next);
        level = next;
    }
    refuse_nodes(graph, level);
    return error;
}

/* A root must be there, with the size that index.json states. */
static void check_roots(const oci_layout_graph_t *graph,
                        const apr_array_header_t *roots)
{
    int i;

    for (i = 0; i < roots->nelts; i++) {
        const oci_descriptor_t *root = APR_ARRAY_IDX(roots, i,
                                                     const oci_descriptor_t *);
        oci_layout_node_t *node = oci_layout_graph_find(graph, root->digest, 1);

        node->is_root = node->is_needed = 1;
        if (!node->fault && node->size != root->size) {
            node->fault = apr_psprintf(graph->pool,
                                       "index.json states a size of "
                                       "%" APR_OFF_T_FMT
                                       " bytes, but it has %" APR_OFF_T_FMT,
                                       root->size, node->size);
        }
    }
}

oci_error_t *oci_layout_graph_read(oci_layout_graph_t **graph,
                                   oci_import_t *import,
                                   const oci_repository_t *repository,
                                   const apr_array_header_t *roots,
                                   apr_pool_t *pool)
{
    oci_layout_graph_t *self = apr_pcalloc(pool, sizeof(*self));
    apr_array_header_t *blobs = make_nodes(pool);
    oci_error_t *error;

    *graph = self;
    self->import = import;
    self->repository = repository;
    self->nodes = make_nodes(pool);
    self->pool = pool;
    error = read_manifests(self, blobs, roots);
    if (!error && !oci_interrupt_pending()) {
        keep_new(self, blobs);
        error = read_nodes(self, blobs);
        add_nodes(self, blobs);
    }
    if (!error && !oci_interrupt_pending()) {
        check_roots(self, roots);
        spread_faults(self);
        report_faults(self);
    }
    return error;
}

/* Mark what a node names as wanted.  Returns whether some of it was not. */
static int mark_children(const oci_layout_graph_t *graph,
                         const oci_layout_node_t *node)
{
    int i, found = 0;

    for (i = 0; i < node->count; i++) {
        oci_layout_node_t *child = find_child(graph, &node->children[i]);

        if (child->size >= 0 && !child->is_wanted) {
            child->is_wanted = found = 1;
        }
    }
    return found;
}

void oci_layout_graph_mark_wanted(const oci_layout_graph_t *graph)
{
    const oci_layout_node_t *all = (oci_layout_node_t *)graph->nodes->elts;
    int i, found;

    do {
        found = 0;
        for (i = 0; i < graph->nodes->nelts; i++) {
            found |= all[i].is_wanted && mark_children(graph, &all[i]);
        }
    } while (found);
}
