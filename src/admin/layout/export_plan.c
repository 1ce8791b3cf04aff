/* SPDX-License-Identifier: Apache-2.0 */

/* Collects what an export consists of.  The manifests of a repository are read
 * level by level: those that are wanted, then what they name and what refers to
 * them. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apr_strings.h"

#include "admin/interrupt.h"
#include "admin/layout/export_plan.h"
#include "admin/terminal.h"
#include "registry/blob.h"
#include "registry/manifest.h"
#include "registry/referrer.h"
#include "registry/tag.h"
#include "values/digest.h"
#include "values/digest_set.h"

#define PAGE (1024 * 1024) /* of referrers, bytes */

/* What is collected of one repository. */
typedef struct collection_t {
    oci_export_plan_t *plan;
    const oci_repository_t *repository;
    oci_digest_set_t *seen;    /* manifests that were read */
    apr_array_header_t *level; /* const char *: manifests to read next */
    apr_array_header_t *next;  /* the level after it */
    apr_array_header_t *blobs; /* const char * */
    apr_pool_t *scratch;
} collection_t;

static int compare_texts(const void *one, const void *other)
{
    return strcmp(*(const char *const *)one, *(const char *const *)other);
}

/* Sort digests, and drop those that are there twice. */
static void sort_digests(apr_array_header_t *digests)
{
    const char **all = (const char **)digests->elts;
    int i, kept = 0;

    qsort(all, digests->nelts, sizeof(*all), compare_texts);
    for (i = 0; i < digests->nelts; i++) {
        if (!kept || strcmp(all[kept - 1], all[i])) {
            all[kept++] = all[i];
        }
    }
    digests->nelts = kept;
}

static void push_digest(apr_array_header_t *digests, const char *digest)
{
    APR_ARRAY_PUSH(digests, const char *) = apr_pstrdup(digests->pool, digest);
}

static void add_entry(oci_export_plan_t *plan,
                      const oci_repository_t *repository, const char *tag,
                      const char *digest)
{
    oci_export_entry_t *entry = apr_array_push(plan->entries);

    entry->repository = repository;
    entry->tag = tag ? apr_pstrdup(plan->pool, tag) : NULL;
    entry->digest = apr_pstrdup(plan->pool, digest);
}

static void add_item(const collection_t *self, const char *digest,
                     apr_off_t size, const char *media_type)
{
    oci_export_item_t *item = apr_array_push(self->plan->items);

    item->digest = digest;
    item->media_type = media_type ? apr_pstrdup(self->plan->pool, media_type)
                                  : NULL;
    item->size = size;
    item->repository = self->repository;
}

static void add_children(const collection_t *self,
                         const oci_document_t *document)
{
    int i;

    for (i = 0; i < document->children->nelts; i++) {
        const oci_child_t *child = &APR_ARRAY_IDX(document->children, i,
                                                  oci_child_t);

        if (child->kind != OCI_CHILD_OPTIONAL) {
            push_digest(child->kind == OCI_CHILD_MANIFEST ? self->next
                                                          : self->blobs,
                        child->descriptor.digest);
        }
    }
}

/* Add the referrers of a manifest to the next level and to index.json. */
static oci_error_t *add_referrers(const collection_t *self, const char *digest)
{
    oci_referrer_query_t query = { .subject = digest, .bytes = PAGE };
    apr_array_header_t *page;
    oci_error_t *error;
    int more = 1, i;

    do {
        error = oci_referrer_list(&page, &more, self->repository, &query,
                                  self->scratch);
        for (i = 0; !error && i < page->nelts; i++) {
            const oci_referrer_t *referrer = &APR_ARRAY_IDX(page, i,
                                                            oci_referrer_t);

            query.after = referrer->digest;
            if (oci_digest_valid(referrer->digest)) {
                push_digest(self->next, referrer->digest);
                add_entry(self->plan, self->repository, NULL, referrer->digest);
            }
        }
    } while (!error && more && page->nelts);
    return error;
}

/* Add part of an index that is not a manifest here: it may be a blob. */
static oci_error_t *add_other(const collection_t *self, const char *digest)
{
    oci_blob_t blob;
    oci_error_t *error = oci_blob_stat(&blob, self->repository, digest,
                                       self->scratch);

    if (!error) {
        push_digest(self->blobs, digest);
        return NULL;
    }
    if (error->code != OCI_E_BLOB_UNKNOWN || error->note) {
        return error;
    }
    fprintf(stderr,
            "ociadmin: incomplete: %s, manifest %s: left out, because the "
            "repository does not have it\n",
            self->repository->name, digest);
    self->plan->absent++;
    return NULL;
}

/* Read a manifest of this level. */
static oci_error_t *collect_manifest(const collection_t *self,
                                     const char *digest)
{
    oci_manifest_t manifest;
    oci_document_t *document;
    const char *problem;
    oci_error_t *error = oci_manifest_get(&manifest, self->repository, digest,
                                          self->scratch);

    if (error) {
        return error->code == OCI_E_MANIFEST_UNKNOWN && !error->note
            ? add_other(self, digest)
            : error;
    }
    problem = oci_document_parse(&document, manifest.media_type, manifest.data,
                                 manifest.size, self->scratch);
    if (problem) {
        return oci_error_storage(self->scratch, APR_SUCCESS,
                                 "the manifest %s of %s is not valid: %s",
                                 digest, self->repository->name,
                                 oci_terminal_text(problem, self->scratch));
    }
    add_item(self, digest, manifest.size, manifest.media_type);
    add_children(self, document);
    return add_referrers(self, digest);
}

/* Begin the next level: its manifests that were not read yet. */
static void begin_level(collection_t *self)
{
    const char **all = (const char **)self->next->elts;
    int i, kept = 0;

    sort_digests(self->next);
    for (i = 0; i < self->next->nelts; i++) {
        if (!oci_digest_set_has(self->seen, all[i])) {
            all[kept++] = all[i];
        }
    }
    self->next->nelts = kept;
    for (i = 0; i < kept; i++) {
        oci_digest_set_add(self->seen, all[i]);
    }
    self->level = self->next;
    self->next = apr_array_make(self->plan->pool, 16, sizeof(const char *));
}

/* Add the blobs, with the sizes that they have in the store. */
static oci_error_t *collect_blobs(const collection_t *self)
{
    oci_error_t *error = NULL;
    int i;

    sort_digests(self->blobs);
    for (i = 0; i < self->blobs->nelts && !error; i++) {
        const char *digest = APR_ARRAY_IDX(self->blobs, i, const char *);
        oci_blob_t blob;

        error = oci_blob_stat(&blob, self->repository, digest, self->scratch);
        if (error && error->code == OCI_E_BLOB_UNKNOWN && !error->note) {
            error = oci_error_make(self->scratch, OCI_E_BLOB_UNKNOWN, NULL,
                                   NULL,
                                   "the repository %s does not hold the blob "
                                   "%s, which a manifest names",
                                   self->repository->name, digest);
        }
        if (!error) {
            add_item(self, digest, blob.size, NULL);
            apr_pool_clear(self->scratch);
        }
    }
    return error;
}

/* Collect everything that belongs to the manifests in next. */
static oci_error_t *collect(collection_t *self)
{
    oci_error_t *error = NULL;
    int i;

    for (begin_level(self); self->level->nelts && !error; begin_level(self)) {
        for (i = 0; i < self->level->nelts && !error; i++) {
            if (oci_interrupt_pending()) {
                return NULL;
            }
            error = collect_manifest(self,
                                     APR_ARRAY_IDX(self->level, i,
                                                   const char *));
            if (!error) {
                apr_pool_clear(self->scratch);
            }
        }
        if (error) {
            return error;
        }
    }
    return collect_blobs(self);
}

/* Add an image that was asked for. */
static const char *add_root(const collection_t *self,
                            const oci_reference_t *reference, const char *tag)
{
    oci_manifest_t manifest;
    oci_reference_t wanted = *reference;
    oci_error_t *error;

    wanted.tag = tag;
    error = oci_manifest_get(&manifest, self->repository,
                             oci_reference_end(&wanted), self->scratch);
    if (error && error->code == OCI_E_MANIFEST_UNKNOWN && !error->note) {
        return oci_reference_explain_absence(&wanted, "manifest",
                                             self->plan->pool);
    }
    if (error) {
        return oci_error_text(error, self->plan->pool);
    }
    push_digest(self->next, manifest.digest);
    add_entry(self->plan, self->repository, tag, manifest.digest);
    apr_pool_clear(self->scratch);
    return NULL;
}

/* Add all tags of a repository. */
static const char *add_tags(const collection_t *self,
                            const oci_reference_t *reference)
{
    apr_pool_t *pool = self->plan->pool;
    apr_array_header_t *tags;
    oci_error_t *error = oci_tag_list(&tags, self->repository, NULL, 0, pool);
    const char *problem = NULL;
    int i;

    if (error && error->code == OCI_E_NAME_UNKNOWN) {
        return apr_psprintf(pool, "there is no repository %s",
                            self->repository->name);
    }
    if (error) {
        return oci_error_text(error, pool);
    }
    for (i = 0; i < tags->nelts && !problem; i++) {
        problem = add_root(self, reference,
                           APR_ARRAY_IDX(tags, i, const char *));
    }
    return tags->nelts ? problem
                       : apr_psprintf(pool,
                                      "the repository %s has no tags: name a "
                                      "manifest in it by its digest",
                                      self->repository->name);
}

/* Collect what the references to one repository, from this one on, name. */
static const char *collect_repository(oci_export_plan_t *plan,
                                      const apr_array_header_t *references,
                                      int first)
{
    const oci_reference_t *all = (const oci_reference_t *)references->elts;
    collection_t self = { .plan = plan,
                          .repository = &all[first].repository,
                          .seen = oci_digest_set_make(plan->pool) };
    const char *problem = NULL;
    oci_error_t *error;
    int i;

    if (apr_pool_create(&self.scratch, plan->pool) != APR_SUCCESS) {
        return "there is not enough memory";
    }
    self.next = apr_array_make(plan->pool, 16, sizeof(const char *));
    self.blobs = apr_array_make(plan->pool, 16, sizeof(const char *));
    for (i = first; i < references->nelts && !problem; i++) {
        if (!strcmp(all[i].repository.name, self.repository->name)) {
            problem = all[i].tag || all[i].digest
                ? add_root(&self, &all[i], all[i].tag)
                : add_tags(&self, &all[i]);
        }
    }
    if (problem) {
        return problem;
    }
    error = collect(&self);
    if (error) {
        problem = oci_export_explain(error, plan->pool);
    }
    apr_pool_destroy(self.scratch);
    return problem;
}

/* By digest; manifests before blobs. */
static int compare_items(const void *one, const void *other)
{
    const oci_export_item_t *left = one, *right = other;
    int order = strcmp(left->digest, right->digest);

    return order ? order : !left->media_type - !right->media_type;
}

/* By repository, then by digest; without a tag last. */
static int compare_for_names(const void *one, const void *other)
{
    const oci_export_entry_t *left = one, *right = other;
    int order = strcmp(left->repository->name, right->repository->name);

    if (!order) {
        order = strcmp(left->digest, right->digest);
    }
    if (!order) {
        order = !left->tag - !right->tag;
    }
    return !order && left->tag ? strcmp(left->tag, right->tag) : order;
}

/* By repository, then by tag; without a tag last. */
static int compare_entries(const void *one, const void *other)
{
    const oci_export_entry_t *left = one, *right = other;
    int order = strcmp(left->repository->name, right->repository->name);

    if (!order) {
        order = !left->tag - !right->tag;
    }
    if (!order && left->tag) {
        return strcmp(left->tag, right->tag);
    }
    return order ? order : strcmp(left->digest, right->digest);
}

static void sort_items(apr_array_header_t *items)
{
    oci_export_item_t *all = (oci_export_item_t *)items->elts;
    int i, kept = 0;

    qsort(all, items->nelts, sizeof(*all), compare_items);
    for (i = 0; i < items->nelts; i++) {
        if (!kept || strcmp(all[kept - 1].digest, all[i].digest)) {
            all[kept++] = all[i];
        }
    }
    items->nelts = kept;
}

/* Sort the entries.  Each name is there once, and a manifest that has a tag is
 * not there without one, and nor is one that was deleted meanwhile. */
static void sort_entries(oci_export_plan_t *plan)
{
    apr_array_header_t *entries = plan->entries;
    oci_export_entry_t *all = (oci_export_entry_t *)entries->elts;
    int i, kept = 0;

    qsort(all, entries->nelts, sizeof(*all), compare_for_names);
    for (i = 0; i < entries->nelts; i++) {
        const oci_export_entry_t *last = kept ? &all[kept - 1] : NULL;
        const oci_export_item_t *item = oci_export_plan_find(plan,
                                                             all[i].digest);

        if (!item || !item->media_type) {
            continue;
        }
        if (!last || strcmp(last->repository->name, all[i].repository->name)
            || strcmp(last->digest, all[i].digest)
            || (all[i].tag && strcmp(last->tag, all[i].tag))) {
            all[kept++] = all[i];
        }
    }
    entries->nelts = kept;
    qsort(all, entries->nelts, sizeof(*all), compare_entries);
}

/* Whether an earlier reference names the same repository. */
static int is_known(const apr_array_header_t *references, int position)
{
    const oci_reference_t *all = (const oci_reference_t *)references->elts;
    int i;

    for (i = 0; i < position; i++) {
        if (!strcmp(all[i].repository.name, all[position].repository.name)) {
            return 1;
        }
    }
    return 0;
}

const char *oci_export_explain(const oci_error_t *error, apr_pool_t *pool)
{
    const char *text = oci_error_text(error, pool);

    return error->code == OCI_E_BLOB_UNKNOWN
            || error->code == OCI_E_MANIFEST_UNKNOWN
        ? apr_pstrcat(pool, text,
                      "; nothing was exported, and \"ociadmin check\" says "
                      "what is lost or damaged",
                      NULL)
        : text;
}

const char *oci_export_plan_make(oci_export_plan_t *plan,
                                 const apr_array_header_t *references)
{
    const char *problem = NULL;
    int i;

    plan->items = apr_array_make(plan->pool, 16, sizeof(oci_export_item_t));
    plan->entries = apr_array_make(plan->pool, 16, sizeof(oci_export_entry_t));
    for (i = 0; i < references->nelts && !problem && !oci_interrupt_pending();
         i++) {
        if (!is_known(references, i)) {
            plan->several |= i > 0;
            problem = collect_repository(plan, references, i);
        }
    }
    sort_items(plan->items);
    sort_entries(plan);
    return problem;
}

const oci_export_item_t *oci_export_plan_find(const oci_export_plan_t *plan,
                                              const char *digest)
{
    int low = 0, high = plan->items->nelts;

    while (low < high) {
        int middle = low + (high - low) / 2;
        const oci_export_item_t *item = &APR_ARRAY_IDX(plan->items, middle,
                                                       oci_export_item_t);
        int order = strcmp(digest, item->digest);

        if (!order) {
            return item;
        }
        if (order < 0) {
            high = middle;
        }
        else {
            low = middle + 1;
        }
    }
    return NULL;
}
