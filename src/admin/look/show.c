/* SPDX-License-Identifier: Apache-2.0 */

/* The command "show": the tree of an image or an index.  A manifest that is
 * named several times is shown in full once. */

#include <stdlib.h>
#include <string.h>

#include "apr_strings.h"

#include "admin/arguments.h"
#include "values/description.h"
#include "registry/image_size.h"
#include "admin/look/show.h"
#include "admin/look/show_node.h"
#include "admin/terminal.h"
#include "admin/reference.h"
#include "registry/keys.h"
#include "registry/manifest.h"
#include "registry/pull_time.h"
#include "registry/referrer.h"
#include "registry/tag.h"
#include "values/digest.h"
#include "values/document.h"

/* How many bytes of referrers to read at a time. */
#define REFERRERS (1024 * 1024)

const char oci_show_usage[] =
    " [--json] NAME[:TAG|@DIGEST] STORES\n"
    "    Print the tree of an image or an index: platforms, configs, layers,\n"
    "    referrers and annotations.  Without a tag or digest, the tag is\n"
    "    \"latest\".\n"
    "      --json  one JSON object, in which each node has its children\n";

typedef struct show_t {
    const oci_repository_t *repository;
    oci_tree_t tree;
    apr_array_header_t *shown; /* const char *: manifests, sorted */
    int faults;                /* manifests that could not be read */
    apr_pool_t *pool;          /* for shown */
} show_t;

static void show_leaf(show_t *show, const oci_node_t *node, apr_pool_t *pool)
{
    oci_tree_begin(&show->tree, node, pool);
    oci_tree_end(&show->tree);
}

/* Note that a manifest is shown; return whether it was shown before. */
static int note_shown(show_t *show, const char *digest)
{
    apr_array_header_t *shown = show->shown;
    const char **all;
    int first = 0, end = shown->nelts;

    while (first < end) {
        int middle = first + (end - first) / 2;
        int order = strcmp(digest, APR_ARRAY_IDX(shown, middle, const char *));

        if (!order) {
            return 1;
        }
        if (order < 0) {
            end = middle;
        }
        else {
            first = middle + 1;
        }
    }
    apr_array_push(shown);
    all = (const char **)shown->elts;
    memmove(all + first + 1, all + first,
            (shown->nelts - 1 - first) * sizeof(*all));
    all[first] = apr_pstrdup(show->pool, digest);
    return 0;
}

static oci_error_t *show_manifest(show_t *show, oci_node_t *node,
                                  apr_pool_t *parent);

/* Whether a repository holds a blob. */
static oci_error_t *is_held(int *held, const show_t *show, const char *digest,
                            apr_pool_t *pool)
{
    return oci_fact_exists(held, show->repository->registry,
                           oci_key_held(pool, show->repository->name, digest),
                           pool);
}

static oci_error_t *show_child(show_t *show, const oci_child_t *child,
                               const oci_description_t *description,
                               int is_config, apr_pool_t *pool)
{
    oci_node_t node = { .kind = is_config ? "config" : "layer",
                        .digest = child->descriptor.digest,
                        .media_type = child->descriptor.media_type,
                        .size = child->descriptor.size,
                        .platform = description->platform,
                        .platform_json = description->platform_json,
                        .annotations = description->annotations };
    oci_error_t *error;
    int held;

    if (child->kind == OCI_CHILD_MANIFEST) {
        node.kind = "manifest";
        return show_manifest(show, &node, pool);
    }
    error = is_held(&held, show, node.digest, pool);
    if (!error) {
        node.note = held ? NULL : "not in the repository";
        show_leaf(show, &node, pool);
    }
    return error;
}

static oci_error_t *show_children(show_t *show, const oci_manifest_t *manifest,
                                  const oci_document_t *document,
                                  apr_pool_t *pool)
{
    apr_array_header_t *descriptions = oci_descriptions_read(manifest->data,
                                                             manifest->size,
                                                             pool);
    oci_error_t *error = NULL;
    int i;

    for (i = 0;
         i < document->children->nelts && i < descriptions->nelts && !error;
         i++) {
        error = show_child(show,
                           &APR_ARRAY_IDX(document->children, i, oci_child_t),
                           &APR_ARRAY_IDX(descriptions, i, oci_description_t),
                           !i, pool);
    }
    return error;
}

/* A referrer of a manifest. */
typedef struct found_referrer_t {
    const char *artifact_type; /* "" if it has none */
    const char *digest;
} found_referrer_t;

static int compare_referrers(const void *left, const void *right)
{
    const found_referrer_t *one = left, *other = right;
    int order = strcmp(one->artifact_type, other->artifact_type);

    return order ? order : strcmp(one->digest, other->digest);
}

/* Find the artifact type of a referrer, "" if it has none or is damaged. */
static oci_error_t *find_type(found_referrer_t *found, const show_t *show,
                              apr_pool_t *pool, apr_pool_t *scratch)
{
    oci_manifest_t manifest;
    oci_document_t *document;
    oci_error_t *error = oci_manifest_get(&manifest, show->repository,
                                          found->digest, scratch);

    found->artifact_type = "";
    if (error) {
        return error->code == OCI_E_MANIFEST_UNKNOWN ? NULL : error;
    }
    if (!oci_document_parse(&document, manifest.media_type, manifest.data,
                            manifest.size, scratch)
        && document->artifact_type) {
        found->artifact_type = apr_pstrdup(pool, document->artifact_type);
    }
    return NULL;
}

/* Add a page of referrers.
 * *after: the last one; set to the new last one, NULL at the end */
static oci_error_t *find_page(apr_array_header_t *found, const char **after,
                              const show_t *show, const char *subject,
                              apr_pool_t *scratch)
{
    oci_referrer_query_t query = { subject, NULL, *after, REFERRERS };
    apr_array_header_t *page;
    oci_error_t *error;
    int more, i;

    error = oci_referrer_list(&page, &more, show->repository, &query, scratch);
    for (i = 0; !error && i < page->nelts; i++) {
        found_referrer_t *added = apr_array_push(found);

        added->digest = *after = apr_pstrdup(found->pool,
                                             APR_ARRAY_IDX(page, i,
                                                           oci_referrer_t)
                                                 .digest);
        error = find_type(added, show, found->pool, scratch);
    }
    if (!error && !more) {
        *after = NULL;
    }
    return error;
}

/* Show the referrers of a manifest, by artifact type. */
static oci_error_t *show_referrers(show_t *show, const char *subject,
                                   apr_pool_t *pool)
{
    apr_array_header_t *found = apr_array_make(pool, 4,
                                               sizeof(found_referrer_t));
    const char *after = NULL;
    oci_error_t *error;
    apr_pool_t *scratch;
    apr_status_t rv = apr_pool_create(&scratch, pool);
    int i;

    if (rv != APR_SUCCESS) {
        return oci_error_storage(pool, rv, "cannot list referrers");
    }
    do {
        error = find_page(found, &after, show, subject, scratch);
        if (!error) {
            apr_pool_clear(scratch);
        }
    } while (!error && after);
    if (!error) {
        qsort(found->elts, found->nelts, found->elt_size, compare_referrers);
    }
    for (i = 0; !error && i < found->nelts; i++) {
        oci_node_t node = {
            .kind = "referrer",
            .digest = APR_ARRAY_IDX(found, i, found_referrer_t).digest
        };

        error = show_manifest(show, &node, pool);
    }
    return error;
}

/* Fill in a node from its manifest. */
static oci_error_t *describe(oci_node_t *node, const show_t *show,
                             const oci_manifest_t *manifest,
                             const oci_document_t *document, apr_pool_t *pool)
{
    oci_image_size_t size = { 0 };
    apr_array_header_t *tags;
    oci_error_t *error = oci_tag_list_naming(&tags, show->repository,
                                             manifest->digest, pool);

    if (!error) {
        error = oci_pull_time_get(&node->pulled, show->repository,
                                  manifest->digest, pool);
    }
    if (error) {
        return error;
    }
    if (!strcmp(node->kind, "manifest")
        && (!document->children->nelts
            || APR_ARRAY_IDX(document->children, 0, oci_child_t).kind
                == OCI_CHILD_MANIFEST)) {
        node->kind = "index";
    }
    if (!strcmp(node->kind, "referrer")) {
        node->artifact_type = document->artifact_type;
    }
    node->media_type = manifest->media_type;
    node->size = manifest->size;
    node->annotations = document->annotations ? document->annotations
                                              : node->annotations;
    node->origin = &manifest->origin;
    node->tags = tags;
    if (!show->tree.depth) {
        error = oci_image_size(&size, show->repository, manifest, document,
                               pool);
        node->total = size.bytes;
    }
    return error;
}

/* Show a manifest that was read, and what it names. */
static oci_error_t *show_document(show_t *show, oci_node_t *node,
                                  const oci_manifest_t *manifest,
                                  const oci_document_t *document,
                                  apr_pool_t *pool)
{
    int deep = show->tree.depth >= OCI_NODE_DEPTH - 1;
    oci_error_t *error = describe(node, show, manifest, document, pool);

    if (error) {
        return error;
    }
    if (deep || note_shown(show, manifest->digest)) {
        node->note = deep ? "nested too deeply to be shown" : "shown above";
        show_leaf(show, node, pool);
        return NULL;
    }
    oci_tree_begin(&show->tree, node, pool);
    if (document->subject) {
        oci_node_t subject = { .kind = "subject",
                               .digest = document->subject->digest,
                               .media_type = document->subject->media_type,
                               .size = document->subject->size };

        show_leaf(show, &subject, pool);
    }
    error = show_children(show, manifest, document, pool);
    if (!error) {
        error = show_referrers(show, manifest->digest, pool);
    }
    if (!error) {
        oci_tree_end(&show->tree);
    }
    return error;
}

/* Show something that is not a manifest that can be read.
 * problem: what is wrong with it; NULL if there is no such manifest */
static oci_error_t *show_other(show_t *show, oci_node_t *node,
                               const char *problem, apr_pool_t *pool)
{
    int held = 0;
    oci_error_t *error = problem ? NULL
                                 : is_held(&held, show, node->digest, pool);

    if (error) {
        return error;
    }
    if (held) {
        node->kind = "blob";
    }
    else {
        node->note = problem ? problem : "not in the repository";
        show->faults += problem != NULL;
    }
    show_leaf(show, node, pool);
    return NULL;
}

/* Show a manifest, whose node has a kind and a digest, and all below it. */
static oci_error_t *show_manifest(show_t *show, oci_node_t *node,
                                  apr_pool_t *parent)
{
    oci_manifest_t manifest;
    oci_document_t *document;
    const char *problem = NULL;
    oci_error_t *error;
    apr_pool_t *pool;
    apr_status_t rv = apr_pool_create(&pool, parent);

    if (rv != APR_SUCCESS) {
        return oci_error_storage(parent, rv, "cannot read a manifest");
    }
    error = oci_manifest_get(&manifest, show->repository, node->digest, pool);
    if (error && error->code == OCI_E_MANIFEST_UNKNOWN) {
        error = show_other(show, node, error->note, pool);
    }
    else if (!error) {
        problem = oci_document_parse(&document, manifest.media_type,
                                     manifest.data, manifest.size, pool);
        error = problem ? show_other(show, node, problem, pool)
                        : show_document(show, node, &manifest, document, pool);
    }
    if (!error) {
        apr_pool_destroy(pool);
    }
    return error;
}

/* Show what a reference names. */
static const char *run(const oci_reference_t *reference, int json,
                       apr_pool_t *pool)
{
    show_t show = { .repository = &reference->repository,
                    .tree.json = json,
                    .shown = apr_array_make(pool, 64, sizeof(char *)),
                    .pool = pool };
    oci_node_t node = { .kind = "manifest" };
    oci_error_t *error = oci_manifest_resolve(&node.digest, show.repository,
                                              oci_reference_end(reference),
                                              pool);
    int exists = 0;

    if (!error && node.digest && oci_digest_valid(node.digest)) {
        error = oci_fact_exists(&exists, show.repository->registry,
                                oci_key_manifest(pool, show.repository->name,
                                                 node.digest),
                                pool);
    }
    if (!error && !exists) {
        return oci_reference_explain_absence(reference,
                                             reference->digest ? "manifest"
                                                               : "tag",
                                             pool);
    }
    if (!error) {
        error = show_manifest(&show, &node, pool);
    }
    if (error) {
        return oci_error_text(error, pool);
    }
    return show.faults
        ? apr_psprintf(pool, "cannot read %s",
                       oci_terminal_count(show.faults, "manifest", pool))
        : NULL;
}

oci_outcome_e oci_show_command(const char **error, apr_getopt_t *arguments,
                               apr_pool_t *pool)
{
    oci_arguments_t given = { .command = "show",
                              .accepted = OCI_ACCEPTS_NAME | OCI_NEEDS_NAME
                                  | OCI_ACCEPTS_JSON,
                              .pool = pool };
    oci_reference_t reference;

    if ((*error = oci_arguments_parse(&given, arguments))
        || (*error = oci_reference_parse(&reference, &given.stores.registry,
                                         given.name, pool))) {
        return OCI_USAGE;
    }
    if (!(*error = oci_stores_open_to_read(&given.stores))) {
        *error = run(&reference, given.json, pool);
    }
    return *error ? OCI_FAILED : OCI_DONE;
}
