/* SPDX-License-Identifier: Apache-2.0 */

/* Manifests to which no tag leads.
 *
 * A manifest is live if a tag names it, if a live index names it, or if its
 * subject is live.  A tag such as "sha256-<hex>.sig" does not make a manifest
 * live by itself if its subject is in the repository: then the manifest is live
 * if the subject is.
 *
 * A manifest that is found not to be live gets a mark with the time.  When the
 * mark is old enough, the question is decided again under the repository's
 * exclusive lock.  The push of a manifest removes its mark and the marks of
 * those that it names, so that a mark that is still there under the lock means
 * that nobody has pushed or named the manifest meanwhile. */

#include <stdlib.h>
#include <string.h>

#include "apr_strings.h"
#include "apr_time.h"

#include "gc/gc_named.h"
#include "gc/gc_order.h"
#include "gc/gc_step.h"
#include "gc/gc_untagged.h"
#include "registry/keys.h"
#include "registry/manifest_delete.h"
#include "registry/pending.h"
#include "registry/repository.h"
#include "registry/tag.h"
#include "registry/walk.h"
#include "values/digest.h"

/* One manifest makes another one live. */
typedef struct edge_t {
    const char *from; /* a digest */
    oci_gc_manifest_t *to;
} edge_t;

/* The review of one repository. */
typedef struct untagged_t {
    oci_gc_t *gc;
    oci_repository_t repository;
    int seconds; /* as OCIUntagged says */
    oci_gc_named_t *named;
    apr_array_header_t *edges; /* edge_t: from subjects, in their order */
    apr_array_header_t *stack; /* oci_gc_manifest_t *: live, to be followed */
    int incomplete;            /* whether some manifests could not be read */
    int waiting;               /* whether marks are not old enough */
} untagged_t;

static void set_live(untagged_t *self, oci_gc_manifest_t *manifest)
{
    if (manifest && !manifest->live) {
        manifest->live = 1;
        APR_ARRAY_PUSH(self->stack, oci_gc_manifest_t *) = manifest;
    }
}

/* Take a tag into account. */
static oci_error_t *visit_tag(oci_walk_t *walk, const char *tag,
                              const oci_value_t *value, apr_pool_t *pool)
{
    untagged_t *self = walk->baton;
    const char *digest = oci_tag_digest(value, pool);
    const char *subject = oci_tag_subject(tag, pool);
    oci_gc_manifest_t *manifest = digest
        ? oci_gc_named_find(self->named, digest)
        : NULL;
    oci_gc_manifest_t *from = subject ? oci_gc_named_find(self->named, subject)
                                      : NULL;
    edge_t *edge;

    if (manifest && from && from != manifest) {
        edge = apr_array_push(self->edges);
        edge->from = from->digest;
        edge->to = manifest;
    }
    else {
        set_live(self, manifest);
    }
    return NULL;
}

static int compare_edges(const void *left, const void *right)
{
    return strcmp(((const edge_t *)left)->from, ((const edge_t *)right)->from);
}

/* Forget what is live, and gather the manifests that have a subject. */
static void begin(untagged_t *self)
{
    int i;

    apr_array_clear(self->edges);
    apr_array_clear(self->stack);
    for (i = 0; i < oci_gc_named_count(self->named); i++) {
        oci_gc_manifest_t *manifest = oci_gc_named_at(self->named, i);

        if (!manifest) {
            continue;
        }
        manifest->live = 0;
        if (manifest->subject) {
            edge_t *edge = apr_array_push(self->edges);

            edge->from = manifest->subject;
            edge->to = manifest;
        }
    }
}

/* Make live what belongs to a subject. */
static void follow_edges(untagged_t *self, const char *digest)
{
    const edge_t *edges = (const edge_t *)self->edges->elts;
    int low = 0, high = self->edges->nelts;

    while (low < high) {
        int middle = low + (high - low) / 2;

        if (strcmp(edges[middle].from, digest) < 0) {
            low = middle + 1;
        }
        else {
            high = middle;
        }
    }
    for (; low < self->edges->nelts && !strcmp(edges[low].from, digest);
         low++) {
        set_live(self, edges[low].to);
    }
}

static void follow_all(untagged_t *self)
{
    oci_gc_manifest_t **next;
    int i;

    qsort(self->edges->elts, self->edges->nelts, sizeof(edge_t), compare_edges);
    while ((next = apr_array_pop(self->stack))) {
        const oci_gc_manifest_t *manifest = *next;

        for (i = 0; manifest->children && i < manifest->children->nelts; i++) {
            set_live(self,
                     oci_gc_named_find(self->named,
                                       APR_ARRAY_IDX(manifest->children, i,
                                                     const char *)));
        }
        follow_edges(self, manifest->digest);
    }
}

/* Find out which manifests are live now. */
static oci_error_t *find_live(untagged_t *self, apr_pool_t *pool)
{
    oci_walk_t walk = { .registry = self->repository.registry,
                        .prefix = oci_key_tag(pool, self->repository.name,
                                              NULL),
                        .values = 1,
                        .visit = visit_tag,
                        .baton = self };
    oci_error_t *damaged;
    oci_error_t *error = oci_gc_named_read(&damaged, self->named, pool);

    if (error) {
        return error;
    }
    if (damaged || oci_gc_named_is_partial(self->named)) {
        self->incomplete = 1; /* the review of the blobs reports it */
        return NULL;
    }
    begin(self);
    error = oci_walk(&walk, pool);
    if (!error) {
        follow_all(self);
    }
    return error;
}

/* Read the mark of a manifest.
 * *since: set to its time in seconds; 0 if there is none that counts */
static oci_error_t *read_mark(apr_int64_t *since, const untagged_t *self,
                              const oci_gc_manifest_t *manifest,
                              apr_pool_t *pool)
{
    oci_value_t value;
    oci_error_t *error = oci_fact_get(&value, self->repository.registry,
                                      oci_key_untagged(pool,
                                                       self->repository.name,
                                                       manifest->digest),
                                      pool);

    *since = !error && value.data ? oci_gc_time(apr_atoi64(value.data)) : 0;
    if (*since < oci_gc_time(manifest->pushed)) {
        *since = 0;
    }
    return error;
}

static void report(const untagged_t *self, const char *digest)
{
    oci_gc_t *gc = self->gc;

    gc->report.manifests++;
    if (gc->report_removal) {
        gc->report_removal(gc->baton, self->repository.name, digest,
                           "no tag leads to this manifest");
    }
}

/* Mark a manifest, or choose it for deletion if its mark is old enough. */
static oci_error_t *review_dead(untagged_t *self, apr_array_header_t *chosen,
                                const oci_gc_manifest_t *manifest,
                                apr_pool_t *pool)
{
    const char *name = self->repository.name;
    const char *now = apr_psprintf(pool, "%" APR_INT64_T_FMT,
                                   apr_time_sec(apr_time_now()));
    apr_int64_t since;
    oci_error_t *error = read_mark(&since, self, manifest, pool);

    if (error) {
        return error;
    }
    if (!self->seconds || (since && oci_gc_is_past(since, self->seconds))) {
        APR_ARRAY_PUSH(chosen, const char *) = manifest->digest;
        return NULL;
    }
    self->waiting = 1;
    return since || self->gc->dry
        ? NULL
        : oci_fact_put(self->repository.registry,
                       oci_key_untagged(pool, name, manifest->digest), now, 0,
                       pool);
}

static oci_error_t *review_all(untagged_t *self, apr_array_header_t *chosen,
                               apr_pool_t *scratch)
{
    oci_error_t *error = NULL;
    int i;

    for (i = 0; i < oci_gc_named_count(self->named) && !error; i++) {
        const oci_gc_manifest_t *manifest = oci_gc_named_at(self->named, i);

        if (manifest && !manifest->live
            && !(error = review_dead(self, chosen, manifest, scratch))) {
            apr_pool_clear(scratch);
        }
    }
    return error;
}

/* Add the changes that delete a manifest and the tags that belong to it by
 * their form. */
static oci_error_t *add_removal(apr_array_header_t *changes,
                                const untagged_t *self, const char *digest,
                                apr_pool_t *pool)
{
    const char *name = self->repository.name;
    const char *colon = strchr(digest, ':');
    const char *first = apr_psprintf(pool, "%.*s-%s", (int)(colon - digest),
                                     digest, colon + 1);
    /* begin before the first of these tags, which is "first" itself */
    oci_scan_t scan = { oci_key_tag(pool, name, NULL),
                        apr_pstrmemdup(pool, first, strlen(first) - 1), 8, 1,
                        0 };
    apr_array_header_t *entries;
    oci_error_t *error = oci_manifest_add_removal(changes, &self->repository,
                                                  digest, pool);
    int i;

    if (!error) {
        error = oci_facts_scan(&entries, self->repository.registry, &scan,
                               pool);
    }
    for (i = 0; !error && i < entries->nelts; i++) {
        const oci_entry_t *entry = &APR_ARRAY_IDX(entries, i, oci_entry_t);
        const char *tag = entry->key + strlen(scan.prefix);
        const char *subject = oci_tag_subject(tag, pool);
        const char *named = oci_tag_digest(&entry->value, pool);

        if (subject && named && !strcmp(subject, digest)) {
            oci_tag_delete(changes, name, tag, named, pool);
        }
    }
    return error;
}

/* Delete those of a batch that are still not live.  The caller holds the
 * lock. */
static oci_error_t *delete_batch(untagged_t *self,
                                 const apr_array_header_t *chosen, int first,
                                 apr_pool_t *pool)
{
    const oci_registry_t *registry = self->repository.registry;
    apr_array_header_t *changes = oci_change_list_make(pool);
    apr_pool_t *page;
    apr_status_t rv = apr_pool_create(&page, pool);
    oci_error_t *error = rv == APR_SUCCESS
        ? find_live(self, page)
        : oci_error_storage(pool, rv, "cannot delete manifests");
    int deleted = 0;
    int i;

    if (!error && !self->incomplete) {
        error = oci_pending_cancel(changes, &self->repository, pool);
    }
    for (i = first; i < chosen->nelts && i < first + OCI_GC_BATCH && !error
         && !self->incomplete;
         i++) {
        const oci_gc_manifest_t
            *manifest = oci_gc_named_find(self->named,
                                          APR_ARRAY_IDX(chosen, i,
                                                        const char *));
        apr_int64_t since = 0;

        if (manifest && !manifest->live
            && !(error = read_mark(&since, self, manifest, pool))
            && (!self->seconds
                || (since && oci_gc_is_past(since, self->seconds)))) {
            error = add_removal(changes, self, manifest->digest, pool);
            report(self, manifest->digest);
            deleted = 1;
        }
    }
    return error || !deleted ? error
                             : oci_facts_remove(registry, changes, pool);
}

static oci_error_t *lock_and_delete_batch(untagged_t *self,
                                          const apr_array_header_t *chosen,
                                          int first, apr_pool_t *pool)
{
    oci_lock_t *lock;
    oci_error_t *error = oci_repository_lock(&lock, &self->repository,
                                             OCI_LOCK_EXCLUSIVE, pool);

    if (!error) {
        error = delete_batch(self, chosen, first, pool);
        oci_repository_unlock(&self->repository, lock);
    }
    return error;
}

static oci_error_t *settle(untagged_t *self, const apr_array_header_t *chosen,
                           apr_pool_t *scratch)
{
    oci_error_t *error = NULL;
    int i;

    for (i = 0; i < chosen->nelts && self->gc->dry; i++) {
        report(self, APR_ARRAY_IDX(chosen, i, const char *));
    }
    for (i = 0; i < chosen->nelts && !self->gc->dry && !error
         && !self->incomplete && !oci_gc_is_stopped(self->gc);
         i += OCI_GC_BATCH) {
        if (!(error = lock_and_delete_batch(self, chosen, i, scratch))) {
            apr_pool_clear(scratch);
        }
    }
    return error;
}

/* Delete the fact that a walk visits. */
static oci_error_t *delete_visited(const oci_walk_t *walk, const char *rest,
                                   apr_pool_t *pool)
{
    return oci_fact_delete(walk->registry,
                           apr_pstrcat(pool, walk->prefix, rest, NULL), 0,
                           pool);
}

/* Remove the time of the last pull of a manifest that does not exist any
 * more. */
static oci_error_t *visit_pulled(oci_walk_t *walk, const char *digest,
                                 const oci_value_t *value, apr_pool_t *pool)
{
    const untagged_t *self = walk->baton;

    (void)value;
    return oci_gc_named_find(self->named, digest)
        ? NULL
        : delete_visited(walk, digest, pool);
}

/* Remove the mark of a manifest that is live, or does not exist any more. */
static oci_error_t *visit_mark(oci_walk_t *walk, const char *digest,
                               const oci_value_t *value, apr_pool_t *pool)
{
    const untagged_t *self = walk->baton;
    const oci_gc_manifest_t *manifest = oci_gc_named_find(self->named, digest);

    (void)value;
    return manifest && !manifest->live ? NULL
                                       : delete_visited(walk, digest, pool);
}

/* Remove the facts about manifests that are no longer needed. */
static oci_error_t *remove_old(untagged_t *self, apr_pool_t *pool)
{
    const char *name = self->repository.name;
    oci_walk_t marks = { .registry = self->repository.registry,
                         .prefix = oci_key_untagged(pool, name, NULL),
                         .visit = visit_mark,
                         .baton = self };
    oci_walk_t pulls = { .registry = self->repository.registry,
                         .prefix = oci_key_pulled(pool, name, NULL),
                         .visit = visit_pulled,
                         .baton = self };
    oci_error_t *error = oci_walk(&marks, pool);

    return error ? error : oci_walk(&pulls, pool);
}

oci_error_t *oci_gc_untagged(int *waiting, oci_gc_t *gc,
                             const oci_repository_t *repository,
                             apr_pool_t *pool)
{
    untagged_t self = { .gc = gc, .repository = *repository };
    apr_array_header_t *chosen = apr_array_make(pool, 16, sizeof(char *));
    const char *name = repository->name;
    apr_pool_t *scratch;
    apr_status_t rv;
    oci_error_t *error;

    self.seconds = oci_gc_policy_seconds(gc->policy, name, pool);
    if (self.seconds < 0) {
        return NULL;
    }
    rv = apr_pool_create(&scratch, pool);
    if (rv != APR_SUCCESS) {
        return oci_error_storage(pool, rv, "cannot review manifests");
    }
    self.named = oci_gc_named_make(gc, repository, 1, pool);
    self.edges = apr_array_make(pool, 16, sizeof(edge_t));
    self.stack = apr_array_make(pool, 16, sizeof(oci_gc_manifest_t *));
    error = find_live(&self, scratch);
    if (!error && !self.incomplete) {
        error = review_all(&self, chosen, scratch);
    }
    if (!error && !self.incomplete) {
        self.waiting |= oci_gc_order(chosen, self.named, scratch);
        apr_pool_clear(scratch);
        error = settle(&self, chosen, scratch);
    }
    if (!error && !self.incomplete && !gc->dry) {
        error = remove_old(&self, scratch);
    }
    *waiting |= self.waiting;
    return error;
}
