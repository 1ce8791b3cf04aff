/* SPDX-License-Identifier: Apache-2.0 */

/* Prints a tree of manifests, blobs and referrers. */

#include <stdio.h>

#include "apr_strings.h"

#include "values/description.h"
#include "admin/look/show_node.h"
#include "admin/terminal.h"
#include "values/timestamp.h"

/* The most tags, and the most annotations, of a node that are shown as text. */
#define MOST 50

#define INDENT 2 /* blanks for each level */

static void print_member(const char *name, const char *json)
{
    if (json) {
        printf(", \"%s\": %s", name, json);
    }
}

static void print_string(const char *name, const char *text, apr_pool_t *pool)
{
    print_member(name, text ? oci_terminal_quote(text, pool) : NULL);
}

static void print_number(const char *name, apr_uint64_t number)
{
    printf(", \"%s\": %" APR_UINT64_T_FMT, name, number);
}

static void print_json_object(const char *name, const char *json,
                              apr_pool_t *pool)
{
    print_member(name, json ? oci_terminal_json(json, pool) : NULL);
}

static void print_tags_json(const apr_array_header_t *tags, apr_pool_t *pool)
{
    int i;

    printf(", \"tags\": [");
    for (i = 0; i < tags->nelts; i++) {
        printf("%s%s", i ? ", " : "",
               oci_terminal_quote(APR_ARRAY_IDX(tags, i, const char *), pool));
    }
    printf("]");
}

static void begin_json(const oci_tree_t *tree, const oci_node_t *node,
                       apr_pool_t *pool)
{
    int depth = tree->depth;

    printf("%s{\"kind\": %s", depth && tree->children[depth - 1] ? ", " : "",
           oci_terminal_quote(node->kind, pool));
    print_string("digest", node->digest, pool);
    print_string("mediaType", node->media_type, pool);
    if (node->media_type) {
        print_number("size", node->size);
    }
    if (node->total) {
        print_number("total", node->total);
    }
    print_string("artifactType", node->artifact_type, pool);
    print_json_object("platform", node->platform_json, pool);
    print_json_object("annotations", node->annotations, pool);
    if (node->origin) {
        print_string("pushed",
                     oci_timestamp_format(node->origin->seconds, pool), pool);
        print_string("user", node->origin->user, pool);
    }
    print_string("pulled", oci_timestamp_format(node->pulled, pool), pool);
    if (node->tags) {
        print_tags_json(node->tags, pool);
    }
    print_string("note", node->note, pool);
    printf(", \"children\": [");
}

/* Begin a line about a node. */
static void indent(int depth)
{
    printf("%*s", (depth + 1) * INDENT, "");
}

static void print_tags(int depth, const apr_array_header_t *tags,
                       apr_pool_t *pool)
{
    int i;

    if (!tags->nelts) {
        return;
    }
    indent(depth);
    printf("tags:");
    for (i = 0; i < tags->nelts && i < MOST; i++) {
        printf("%s %s", i ? "," : "",
               oci_terminal_text(APR_ARRAY_IDX(tags, i, const char *), pool));
    }
    if (tags->nelts > MOST) {
        printf(" and %d more", tags->nelts - MOST);
    }
    printf("\n");
}

static void print_origin(int depth, const oci_origin_t *origin,
                         apr_pool_t *pool)
{
    const char *pushed = oci_timestamp_format(origin->seconds, pool);

    if (!pushed) {
        return;
    }
    indent(depth);
    printf("pushed: %s%s%s\n", pushed, origin->user ? " by " : "",
           origin->user ? oci_terminal_text(origin->user, pool) : "");
}

static void print_annotation(void *baton, const char *name, const char *value,
                             apr_pool_t *pool)
{
    indent(*(const int *)baton);
    printf("annotation %s: %s\n", oci_terminal_text(name, pool),
           oci_terminal_text(value, pool));
}

static void print_annotations(int depth, const char *json, apr_pool_t *pool)
{
    apr_size_t more = oci_description_each(json, MOST, print_annotation, &depth,
                                           pool);

    if (more) {
        indent(depth);
        printf("and %" APR_SIZE_T_FMT " more annotations\n", more);
    }
}

/* Print a part of a line, if it is known. */
static void print_word(const char *text, apr_pool_t *pool)
{
    if (text) {
        printf(" %s", oci_terminal_text(text, pool));
    }
}

static void begin_text(const oci_tree_t *tree, const oci_node_t *node,
                       apr_pool_t *pool)
{
    const char *pulled = oci_timestamp_format(node->pulled, pool);
    int depth = tree->depth;

    printf("%*s%s", depth * INDENT, "", node->kind);
    print_word(node->platform, pool);
    print_word(node->artifact_type, pool);
    print_word(node->digest, pool);
    if (node->media_type) {
        print_word(node->media_type, pool);
        print_word(oci_terminal_size(node->size, pool), pool);
    }
    if (node->note) {
        printf(" (%s)", oci_terminal_text(node->note, pool));
    }
    printf("\n");
    if (node->total) {
        indent(depth);
        printf("total: %s\n", oci_terminal_size(node->total, pool));
    }
    if (node->origin) {
        print_origin(depth, node->origin, pool);
    }
    if (pulled) {
        indent(depth);
        printf("last pull: %s\n", pulled);
    }
    if (node->tags) {
        print_tags(depth, node->tags, pool);
    }
    if (node->annotations) {
        print_annotations(depth, node->annotations, pool);
    }
}

void oci_tree_begin(oci_tree_t *tree, const oci_node_t *node, apr_pool_t *pool)
{
    if (tree->json) {
        begin_json(tree, node, pool);
    }
    else {
        begin_text(tree, node, pool);
    }
    if (tree->depth) {
        tree->children[tree->depth - 1] = 1;
    }
    tree->children[tree->depth++] = 0;
}

void oci_tree_end(oci_tree_t *tree)
{
    tree->depth--;
    if (tree->json) {
        printf("]}%s", tree->depth ? "" : "\n");
    }
}
