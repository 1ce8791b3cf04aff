/* SPDX-License-Identifier: Apache-2.0 */

/* Retention.  Rules only ever say what to keep: a tag goes if there are rules
 * for its repository, and none of them keeps it.  A tag that moves meanwhile
 * stays. */

#include <stdlib.h>
#include <string.h>

#include "apr_strings.h"

#include "gc/gc_step.h"
#include "gc/gc_tags.h"
#include "registry/keys.h"
#include "registry/manifest.h"
#include "registry/pull_time.h"
#include "registry/repository.h"
#include "registry/tag.h"
#include "registry/walk.h"
#include "values/digest.h"
#include "values/document.h"
#include "values/glob.h"
#include "values/immutable.h"

/* How deep indexes are followed, and how many manifests below a tag are asked
 * for their last pull. */
#define MAX_DEPTH 4
#define MAX_PULLS 1000

/* A tag, and whether it is kept. */
typedef struct dated_tag_t {
    const char *tag;
    const char *value;  /* of its fact */
    const char *digest; /* that it names */
    apr_int64_t pushed; /* seconds */
    int dated;          /* whether it says when it was pushed */
    apr_int64_t pulled; /* seconds: the last pull; -1: not asked for */
    int matched;        /* by the rule that is being applied */
    int kept;
} dated_tag_t;

/* The retention of one repository. */
typedef struct retention_t {
    oci_gc_t *gc;
    oci_repository_t repository;
    apr_array_header_t *rules; /* const oci_retain_t *: those for it */
    apr_array_header_t *tags;  /* dated_tag_t */
    int stopped;               /* whether the run was stopped meanwhile */
    int pulls;                 /* how many manifests were asked for a tag */
    apr_pool_t *pool;
} retention_t;

static dated_tag_t *tag_at(const retention_t *self, int i)
{
    return &APR_ARRAY_IDX(self->tags, i, dated_tag_t);
}

/* Add a tag.  Signatures and the like that are kept as tags are not subject to
 * the rules: they go with their subject.  Immutable tags stay: if one went, it
 * could be pushed again with another digest. */
static oci_error_t *visit_tag(oci_walk_t *walk, const char *name,
                              const oci_value_t *value, apr_pool_t *scratch)
{
    retention_t *self = walk->baton;
    oci_origin_t origin;
    const char *digest = oci_tag_digest(value, self->pool);
    dated_tag_t *tag;

    if (!digest || !oci_digest_valid(digest)
        || oci_tag_belongs_to_digest(name, scratch)
        || oci_immutable_covers(self->gc->immutable, self->repository.name,
                                name, scratch)) {
        return NULL;
    }
    oci_origin_parse(&origin, value->data + strlen(digest),
                     value->size - strlen(digest), ';', scratch);
    tag = apr_array_push(self->tags);
    tag->tag = apr_pstrdup(self->pool, name);
    tag->value = apr_pstrdup(self->pool, value->data);
    tag->digest = digest;
    tag->dated = origin.seconds != 0;
    tag->pushed = tag->dated ? origin.seconds : self->gc->since;
    tag->pulled = -1;
    tag->kept = 0;
    return NULL;
}

static int is_stopped(retention_t *self)
{
    self->stopped = self->stopped || oci_gc_is_stopped(self->gc);
    return self->stopped;
}

static oci_error_t *read_tags(retention_t *self)
{
    oci_walk_t walk = { .registry = self->repository.registry,
                        .prefix = oci_key_tag(self->pool, self->repository.name,
                                              NULL),
                        .values = 1,
                        .visit = visit_tag,
                        .baton = self };

    return oci_walk(&walk, self->pool);
}

static oci_error_t *last_pull(apr_int64_t *seconds, retention_t *self,
                              const char *digest, int depth, apr_pool_t *pool);

/* Find out when a manifest that an index leads to was last pulled. */
static oci_error_t *last_pull_below(apr_int64_t *seconds, retention_t *self,
                                    const char *digest, int depth,
                                    apr_pool_t *pool)
{
    oci_manifest_t manifest;
    oci_document_t *document;
    oci_error_t *error = oci_manifest_get(&manifest, &self->repository, digest,
                                          pool);
    int i;

    if (error) {
        return error->code == OCI_E_MANIFEST_UNKNOWN ? NULL : error;
    }
    if (oci_document_parse(&document, manifest.media_type, manifest.data,
                           manifest.size, pool)) {
        return NULL;
    }
    for (i = 0; i < document->children->nelts && !error && !is_stopped(self);
         i++) {
        const oci_child_t *child = &APR_ARRAY_IDX(document->children, i,
                                                  oci_child_t);

        if (child->kind == OCI_CHILD_MANIFEST) {
            error = last_pull(seconds, self, child->descriptor.digest, depth,
                              pool);
        }
    }
    return error;
}

/* Find out when a manifest, or one that it leads to, was last pulled.
 * *seconds: set to it if it is later */
static oci_error_t *last_pull(apr_int64_t *seconds, retention_t *self,
                              const char *digest, int depth, apr_pool_t *parent)
{
    apr_int64_t pulled;
    apr_pool_t *pool;
    apr_status_t rv = apr_pool_create(&pool, parent);
    oci_error_t *error;

    if (rv != APR_SUCCESS) {
        return oci_error_storage(parent, rv, "cannot review tags");
    }
    error = oci_pull_time_get(&pulled, &self->repository, digest, pool);
    *seconds = pulled > *seconds ? pulled : *seconds;
    if (!error && depth < MAX_DEPTH && ++self->pulls <= MAX_PULLS) {
        error = last_pull_below(seconds, self, digest, depth + 1, pool);
    }
    if (!error) {
        apr_pool_destroy(pool);
    }
    return error;
}

/* Find out when a tag was last pulled, and note it for all tags that name the
 * same manifest. */
static oci_error_t *find_pull(retention_t *self, const dated_tag_t *tag,
                              apr_pool_t *pool)
{
    apr_int64_t pulled = 0;
    oci_error_t *error;
    int i;

    self->pulls = 0;
    error = last_pull(&pulled, self, tag->digest, 0, pool);
    for (i = 0; i < self->tags->nelts && !error; i++) {
        dated_tag_t *other = tag_at(self, i);

        if (!strcmp(other->digest, tag->digest)) {
            other->pulled = pulled;
        }
    }
    return error;
}

/* Keep a tag if it was pulled lately.  Never pulled: the push counts. */
static oci_error_t *keep_pulled(retention_t *self, const oci_retain_t *rule,
                                dated_tag_t *tag, apr_pool_t *pool)
{
    oci_error_t *error = NULL;

    if (!oci_gc_is_past(tag->pushed, rule->pulled)) {
        tag->kept = 1;
        return NULL;
    }
    if (tag->pulled < 0) {
        error = find_pull(self, tag, pool);
    }
    /* the hour counts from its end */
    tag->kept |= tag->pulled > 0
        && !oci_gc_is_past(tag->pulled + 3600, rule->pulled);
    return error;
}

static int compare_by_push(const void *left, const void *right)
{
    const dated_tag_t *one = left;
    const dated_tag_t *other = right;

    if (one->matched != other->matched) {
        return other->matched - one->matched;
    }
    if (one->dated != other->dated) {
        return other->dated - one->dated;
    }
    if (one->pushed != other->pushed) {
        return one->pushed > other->pushed ? -1 : 1;
    }
    return strcmp(one->tag, other->tag);
}

/* Keep the tags that were pushed last, and those that were pushed in the same
 * second as the last of them.  A tag without a time is older than all that have
 * one. */
static void keep_last(retention_t *self, int count)
{
    int i;

    qsort(self->tags->elts, self->tags->nelts, sizeof(dated_tag_t),
          compare_by_push);
    for (i = 0; i < self->tags->nelts; i++) {
        dated_tag_t *tag = tag_at(self, i);
        const dated_tag_t *last = i < count ? tag : tag_at(self, count - 1);

        if (tag->dated != last->dated || tag->pushed != last->pushed) {
            break;
        }
        tag->kept |= tag->matched;
    }
}

/* Keep what a rule keeps: it is enough if one of its conditions holds. */
static oci_error_t *apply_rule(retention_t *self, const oci_retain_t *rule,
                               apr_pool_t *scratch)
{
    int unconditional = rule->last < 0 && rule->pushed < 0 && rule->pulled < 0;
    oci_error_t *error = NULL;
    int i;

    for (i = 0; i < self->tags->nelts && !error && !is_stopped(self); i++) {
        dated_tag_t *tag = tag_at(self, i);

        tag->matched = !rule->tags
            || oci_tag_pattern_matches(rule->tags, tag->tag);
        if (!tag->matched || tag->kept) {
            continue;
        }
        tag->kept = unconditional
            || (rule->pushed >= 0
                && !oci_gc_is_past(tag->pushed, rule->pushed));
        if (!tag->kept && rule->pulled >= 0
            && !(error = keep_pulled(self, rule, tag, scratch))) {
            apr_pool_clear(scratch);
        }
    }
    if (!error && !self->stopped && rule->last > 0) {
        keep_last(self, rule->last);
    }
    return error;
}

/* Report a tag that goes, with the rules that do not keep it. */
static void report(const retention_t *self, const dated_tag_t *tag)
{
    const oci_gc_t *gc = self->gc;
    const char *reason = NULL;
    int i;

    for (i = 0; i < self->rules->nelts; i++) {
        const oci_retain_t *rule = APR_ARRAY_IDX(self->rules, i,
                                                 const oci_retain_t *);

        if (!rule->tags || oci_tag_pattern_matches(rule->tags, tag->tag)) {
            reason = apr_pstrcat(self->pool, reason ? reason : "not kept by ",
                                 reason ? " or " : "", rule->text, NULL);
        }
    }
    if (gc->report_removal) {
        gc->report_removal(gc->baton, self->repository.name, tag->tag,
                           reason ? reason : "no rule keeps this tag");
    }
}

/* Delete tags, unless they have changed.  The caller holds the lock. */
static oci_error_t *delete_tags(const retention_t *self, int first, int end,
                                apr_pool_t *pool)
{
    const oci_registry_t *registry = self->repository.registry;
    const char *name = self->repository.name;
    apr_array_header_t *changes = oci_change_list_make(pool);
    oci_error_t *error = NULL;
    int i;

    oci_repository_queue_review(changes, name, pool);
    for (i = first; i < end && !error; i++) {
        const dated_tag_t *tag = tag_at(self, i);
        oci_value_t value;

        if (tag->kept) {
            continue;
        }
        error = oci_fact_get(&value, registry,
                             oci_key_tag(pool, name, tag->tag), pool);
        if (!error && value.data && !strcmp(value.data, tag->value)) {
            oci_tag_delete(changes, name, tag->tag, tag->digest, pool);
            self->gc->report.tags++;
            report(self, tag);
        }
    }
    return error || changes->nelts == 1
        ? error
        : oci_facts_remove(registry, changes, pool);
}

static oci_error_t *lock_and_delete_tags(const retention_t *self, int first,
                                         int end, apr_pool_t *pool)
{
    oci_lock_t *lock;
    oci_error_t *error = oci_repository_lock(&lock, &self->repository,
                                             OCI_LOCK_EXCLUSIVE, pool);

    if (!error) {
        error = delete_tags(self, first, end, pool);
        oci_repository_unlock(&self->repository, lock);
    }
    return error;
}

/* Delete the tags that are not kept, batch by batch. */
static oci_error_t *settle(retention_t *self, apr_pool_t *scratch)
{
    oci_error_t *error = NULL;
    int end, i;

    for (i = 0; i < self->tags->nelts && !error && !is_stopped(self); i = end) {
        int going = 0;

        for (end = i; end < self->tags->nelts && going < OCI_GC_BATCH; end++) {
            const dated_tag_t *tag = tag_at(self, end);

            going += !tag->kept;
            if (!tag->kept && self->gc->dry) {
                self->gc->report.tags++;
                report(self, tag);
            }
        }
        if (going && !self->gc->dry
            && !(error = lock_and_delete_tags(self, i, end, scratch))) {
            apr_pool_clear(scratch);
        }
    }
    return error;
}

/* Find the rules for a repository. */
static apr_array_header_t *find_rules(const oci_gc_t *gc, const char *name,
                                      apr_pool_t *pool)
{
    apr_array_header_t *rules = apr_array_make(pool, 2, sizeof(void *));
    int i;

    for (i = 0; gc->policy && i < gc->policy->retain->nelts; i++) {
        const oci_retain_t *rule = &APR_ARRAY_IDX(gc->policy->retain, i,
                                                  oci_retain_t);

        if (oci_glob_match(rule->glob, name, pool)) {
            APR_ARRAY_PUSH(rules, const oci_retain_t *) = rule;
        }
    }
    return rules;
}

oci_error_t *oci_gc_tags(oci_gc_t *gc, const oci_repository_t *repository,
                         apr_pool_t *pool)
{
    retention_t self = { .gc = gc, .repository = *repository, .pool = pool };
    apr_pool_t *scratch;
    apr_status_t rv;
    oci_error_t *error;
    int i;

    self.rules = find_rules(gc, repository->name, pool);
    if (!self.rules->nelts) {
        return NULL;
    }
    rv = apr_pool_create(&scratch, pool);
    if (rv != APR_SUCCESS) {
        return oci_error_storage(pool, rv, "cannot review tags");
    }
    self.tags = apr_array_make(pool, 64, sizeof(dated_tag_t));
    error = read_tags(&self);
    for (i = 0; i < self.rules->nelts && !error; i++) {
        error = apply_rule(&self,
                           APR_ARRAY_IDX(self.rules, i, const oci_retain_t *),
                           scratch);
    }
    return error || self.stopped ? error : settle(&self, scratch);
}
