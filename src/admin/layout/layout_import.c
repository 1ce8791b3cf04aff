/* SPDX-License-Identifier: Apache-2.0 */

/* Imports the images of a layout, one repository after the other. */

#include <stdlib.h>
#include <string.h>

#include "apr_strings.h"

#include "admin/import/import_images.h"
#include "admin/interrupt.h"
#include "admin/layout/layout_entries.h"
#include "admin/layout/layout_graph.h"
#include "admin/layout/layout_import.h"
#include "admin/terminal.h"

#define SEVERAL                                                        \
    "the layout has several images, which one tag cannot name: write " \
    "NAME without a tag"

/* The import into one repository. */
typedef struct layout_repository_t {
    oci_import_t *import;
    const char *tag; /* of the only image; or NULL */
    oci_repository_t repository;
    apr_array_header_t *entries; /* of oci_layout_entry_t * */
    oci_layout_graph_t *graph;
    apr_pool_t *pool;
} layout_repository_t;

/* Whether a tag is one under which clients list referrers where a registry
 * cannot, such as "sha256-ab01...". */
static int is_referrers_tag(const char *tag)
{
    return tag && (!strncmp(tag, "sha256-", 7) || !strncmp(tag, "sha512-", 7));
}

static oci_layout_node_t *node_of(const layout_repository_t *self,
                                  const oci_layout_entry_t *entry)
{
    return oci_layout_graph_find(self->graph, entry->descriptor.digest, 1);
}

/* Whether an entry is about another one, and not an image of its own. */
static int is_about_another(const layout_repository_t *self,
                            const oci_layout_entry_t *entry)
{
    return node_of(self, entry)->has_subject || is_referrers_tag(entry->tag);
}

/* Give the only image the tag that the administrator wants. */
static const char *set_tag(const layout_repository_t *self)
{
    const char *digest = NULL;
    int i;

    for (i = 0; i < self->entries->nelts; i++) {
        oci_layout_entry_t *entry = APR_ARRAY_IDX(self->entries, i,
                                                  oci_layout_entry_t *);

        if (self->entries->nelts > 1 && is_about_another(self, entry)) {
            continue;
        }
        if (digest && strcmp(digest, entry->descriptor.digest)) {
            return SEVERAL;
        }
        digest = entry->descriptor.digest;
        entry->tag = self->tag;
    }
    return digest ? NULL : SEVERAL;
}

/* Choose what is imported: all that the good images consist of. */
static void choose_content(const layout_repository_t *self,
                           oci_import_images_t *images,
                           apr_array_header_t *blobs)
{
    const apr_array_header_t *nodes = self->graph->nodes;
    int i;

    for (i = 0; i < nodes->nelts; i++) {
        oci_layout_node_t *node = &APR_ARRAY_IDX(nodes, i, oci_layout_node_t);

        node->is_wanted = node->is_root && !node->fault;
    }
    oci_layout_graph_mark_wanted(self->graph);
    for (i = 0; i < nodes->nelts; i++) {
        const oci_layout_node_t *node = &APR_ARRAY_IDX(nodes, i,
                                                       oci_layout_node_t);

        if (node->is_manifest && (node->is_wanted || node->is_root)) {
            oci_import_revision_t
                *revision = oci_import_images_add(images, node->digest, 0);

            revision->done = !node->is_wanted;
            revision->media_type = node->media_type;
        }
        else if (node->is_wanted) {
            APR_ARRAY_PUSH(blobs, const char *) = node->digest;
        }
    }
}

/* Add the tags, and print which images have none. */
static void add_tags(const layout_repository_t *self,
                     oci_import_images_t *images)
{
    int i;

    for (i = 0; i < self->entries->nelts; i++) {
        const oci_layout_entry_t *entry = APR_ARRAY_IDX(self->entries, i,
                                                        oci_layout_entry_t *);
        const oci_layout_node_t *node = node_of(self, entry);

        if (entry->tag) {
            oci_import_images_add_tag(images, entry->tag, node->digest, 0);
        }
        else if (!node->has_subject && !node->fault) {
            oci_import_note(self->import,
                            "%s, manifest %s: the layout gives it no tag; to "
                            "set one, import a single image as NAME:TAG",
                            self->repository.name, node->digest);
        }
    }
}

static oci_error_t *import_repository(const char **problem,
                                      layout_repository_t *self)
{
    apr_array_header_t *roots = apr_array_make(self->pool, self->entries->nelts,
                                               sizeof(
                                                   const oci_descriptor_t *));
    apr_array_header_t *blobs = apr_array_make(self->pool, 16,
                                               sizeof(const char *));
    oci_import_images_t *images = oci_import_images_make(self->import,
                                                         &self->repository,
                                                         self->pool);
    oci_error_t *error;
    int i;

    for (i = 0; i < self->entries->nelts; i++) {
        APR_ARRAY_PUSH(roots,
                       const oci_descriptor_t
                           *) = &APR_ARRAY_IDX(self->entries, i,
                                               oci_layout_entry_t *)
                                     ->descriptor;
    }
    oci_progress_begin(self->import->progress, "verifying");
    error = oci_layout_graph_read(&self->graph, self->import, &self->repository,
                                  roots, self->pool);
    if (error || oci_interrupt_pending()) {
        return error;
    }
    if (self->tag && (*problem = set_tag(self))) {
        return NULL;
    }
    choose_content(self, images, blobs);
    add_tags(self, images);
    oci_import_images_sort(images);
    oci_progress_begin(self->import->progress, "importing");
    error = oci_import_blobs(self->import, &self->repository, blobs,
                             self->pool);
    if (!error && !oci_interrupt_pending()) {
        error = oci_import_images_put(images);
    }
    self->import->report.repositories++;
    return error;
}

/* By name, then by tag, then by digest. */
static int compare_entries(const void *one, const void *other)
{
    const oci_layout_entry_t *left = *(oci_layout_entry_t *const *)one;
    const oci_layout_entry_t *right = *(oci_layout_entry_t *const *)other;
    int order = strcmp(left->name, right->name);

    if (!order) {
        order = strcmp(left->tag ? left->tag : "",
                       right->tag ? right->tag : "");
    }
    return order ? order
                 : strcmp(left->descriptor.digest, right->descriptor.digest);
}

/* Return the only repository that the entries name.
 * *several: set to whether there are others */
static const char *only_name(int *several, const apr_array_header_t *entries)
{
    const char *name = NULL;
    int i;

    *several = 0;
    for (i = 0; i < entries->nelts; i++) {
        const char *next = APR_ARRAY_IDX(entries, i, oci_layout_entry_t).name;

        *several |= name && next && strcmp(name, next);
        name = next ? next : name;
    }
    return name;
}

/* Print that an entry is not imported. */
static void skip_entry(oci_import_t *import, const oci_layout_entry_t *entry,
                       const char *name, const char *fault)
{
    oci_import_skip(import, "%s: %s", name ? name : entry->descriptor.digest,
                    fault);
}

/* Decide into which repository each entry goes, and sort them.
 * *sorted: set to an array of oci_layout_entry_t *, without those that cannot
 * be imported */
static const char *choose_repositories(apr_array_header_t **sorted,
                                       oci_import_t *import,
                                       const apr_array_header_t *entries,
                                       const oci_layout_target_t *target,
                                       apr_pool_t *pool)
{
    int several, i;
    const char *only = only_name(&several, entries);

    if (!target->name && !only) {
        return "the layout does not say to which repository its images belong: "
               "name it, such as team/app, after the layout";
    }
    *sorted = apr_array_make(pool, entries->nelts,
                             sizeof(oci_layout_entry_t *));
    for (i = 0; i < entries->nelts; i++) {
        oci_layout_entry_t *entry = &APR_ARRAY_IDX(entries, i,
                                                   oci_layout_entry_t);

        if (entry->wrong && !target->tag) {
            skip_entry(import, entry, oci_terminal_text(entry->wrong, pool),
                       "this name in the layout is neither a tag nor a "
                       "reference such as team/app:v1");
            continue;
        }
        if (target->name || (!entry->name && !several)) {
            entry->name = target->name ? target->name : only;
        }
        if (!entry->name) {
            skip_entry(import, entry, entry->tag,
                       "the layout does not say to which of its repositories "
                       "this belongs: name one after the layout");
            continue;
        }
        APR_ARRAY_PUSH(*sorted, oci_layout_entry_t *) = entry;
    }
    qsort((*sorted)->elts, (*sorted)->nelts, sizeof(oci_layout_entry_t *),
          compare_entries);
    return NULL;
}

/* Refuse a tag that two manifests have. */
static const char *check_tags(const apr_array_header_t *sorted,
                              apr_pool_t *pool)
{
    int i;

    for (i = 1; i < sorted->nelts; i++) {
        const oci_layout_entry_t *one = APR_ARRAY_IDX(sorted, i - 1,
                                                      oci_layout_entry_t *);
        const oci_layout_entry_t *other = APR_ARRAY_IDX(sorted, i,
                                                        oci_layout_entry_t *);

        if (one->tag && other->tag && !strcmp(one->name, other->name)
            && !strcmp(one->tag, other->tag)
            && strcmp(one->descriptor.digest, other->descriptor.digest)) {
            return apr_psprintf(pool,
                                "the layout gives the tag %s of %s to two "
                                "manifests, %s and %s: if it has several "
                                "repositories, import it without NAME, "
                                "otherwise remove one entry from index.json",
                                one->tag, one->name, one->descriptor.digest,
                                other->descriptor.digest);
        }
    }
    return NULL;
}

/* Take the entries of the next repository; those of a tag that is there twice,
 * with one digest, are one.
 * *next: the position in sorted, which is moved */
static apr_array_header_t *take_entries(int *next,
                                        const apr_array_header_t *sorted,
                                        apr_pool_t *pool)
{
    apr_array_header_t *entries = apr_array_make(pool, 16,
                                                 sizeof(oci_layout_entry_t *));
    const char *name = APR_ARRAY_IDX(sorted, *next, oci_layout_entry_t *)->name;
    oci_layout_entry_t *entry, *last = NULL;

    for (; *next < sorted->nelts; ++*next) {
        entry = APR_ARRAY_IDX(sorted, *next, oci_layout_entry_t *);
        if (strcmp(entry->name, name)) {
            break;
        }
        if (!last || compare_entries(&last, &entry)) {
            APR_ARRAY_PUSH(entries, oci_layout_entry_t *) = entry;
        }
        last = entry;
    }
    return entries;
}

oci_error_t *oci_layout_import(const char **problem, oci_import_t *import,
                               const oci_layout_target_t *target,
                               apr_pool_t *pool)
{
    apr_array_header_t *entries, *sorted = NULL;
    oci_error_t *error = NULL;
    int next = 0;

    *problem = oci_layout_entries(&entries, import->source, pool);
    if (!*problem && !entries->nelts) {
        *problem = "the layout has no images: index.json in it is empty";
    }
    if (!*problem) {
        *problem = choose_repositories(&sorted, import, entries, target, pool);
    }
    if (!*problem && !target->tag) {
        *problem = check_tags(sorted, pool);
    }
    while (!error && !*problem && next < sorted->nelts
           && !oci_interrupt_pending()) {
        layout_repository_t self = { .import = import, .tag = target->tag };

        if (apr_pool_create(&self.pool, pool) != APR_SUCCESS) {
            return oci_error_storage(pool, APR_ENOMEM, "cannot import");
        }
        self.entries = take_entries(&next, sorted, self.pool);
        self.repository.registry = import->registry;
        self.repository
            .name = APR_ARRAY_IDX(self.entries, 0, oci_layout_entry_t *)->name;
        error = import_repository(problem, &self);
        if (error) {
            error = oci_error_storage(pool, APR_SUCCESS, "%s",
                                      oci_error_text(error, self.pool));
        }
        apr_pool_destroy(self.pool);
    }
    return error;
}
