/* SPDX-License-Identifier: Apache-2.0 */

/* Pushing and deleting manifests, and setting and deleting tags. */

#include <string.h>

#include "apr_strings.h"

#include "registry/children.h"
#include "registry/keys.h"
#include "registry/manifest.h"
#include "registry/manifest_change.h"
#include "registry/pending.h"
#include "registry/referrer.h"
#include "registry/repository.h"
#include "registry/tag.h"
#include "values/digest.h"
#include "values/document.h"
#include "values/etag.h"

/* A manifest that names more than so much is checked before the locks: what
 * a few children cost is less than the mark that it takes. */
#define CHILDREN_FEW 16

/* How often a push is checked without a lock while others delete. */
#define EARLY_CHECKS 3

/* A manifest on its way into a repository. */
typedef struct manifest_push_t {
    const oci_repository_t *repository;
    const oci_push_t *push;
    const char *digest;
    const oci_document_t *document;
    const apr_array_header_t *tags; /* const char *: all that it sets */
    apr_pool_t *pool;
} manifest_push_t;

/* Whether a condition holds for what a reference names now. */
static oci_error_t *check_condition(const oci_condition_t *condition,
                                    const oci_repository_t *repository,
                                    const char *reference, apr_pool_t *pool)
{
    const char *digest;
    const char *header;
    oci_error_t *error;

    if (!condition->match && !condition->none_match) {
        return NULL;
    }
    if ((error = oci_manifest_resolve(&digest, repository, reference, pool))) {
        return error;
    }
    if (digest == reference) {
        int exists;

        error = oci_fact_exists(&exists, repository->registry,
                                oci_key_manifest(pool, repository->name,
                                                 digest),
                                pool);
        if (error) {
            return error;
        }
        digest = exists ? digest : NULL;
    }
    header = oci_etag_refusal(condition->match, condition->none_match, digest);
    if (!header) {
        return NULL;
    }
    /* what it names is for those to know who may pull */
    return oci_error_make(pool, OCI_E_MANIFEST_CHANGED, "reference", reference,
                          "%s does not hold for what %s names now", header,
                          reference);
}

/* The locks of a change. */
typedef struct locks_t {
    oci_lock_t *repository;
    oci_lock_t *tag; /* or NULL */
} locks_t;

/* One tag is locked by itself, several by the whole repository, so that
 * nobody waits for two tags in a circle. */
static oci_error_t *lock_tags(locks_t *locks,
                              const oci_repository_t *repository,
                              const apr_array_header_t *tags, apr_pool_t *pool)
{
    oci_error_t *error;

    locks->tag = NULL;
    error = oci_repository_lock(&locks->repository, repository,
                                tags->nelts > 1 ? OCI_LOCK_EXCLUSIVE
                                                : OCI_LOCK_SHARED,
                                pool);
    if (!error && tags->nelts == 1) {
        error = oci_repository_lock_tag(&locks->tag, repository,
                                        APR_ARRAY_IDX(tags, 0, const char *),
                                        pool);
        if (error) {
            oci_repository_unlock(repository, locks->repository);
        }
    }
    return error;
}

static void unlock_tags(const locks_t *locks,
                        const oci_repository_t *repository)
{
    oci_repository_unlock(repository, locks->tag);
    oci_repository_unlock(repository, locks->repository);
}

/* Manifest, referrer, catalog, tags: each names what is there already. */
static oci_error_t *store(const manifest_push_t *self, const char *mark)
{
    const oci_push_t *push = self->push;
    apr_pool_t *pool = self->pool;
    apr_array_header_t *changes = oci_change_list_make(pool);
    apr_size_t head = strlen(self->document->media_type);
    oci_manifest_t manifest = { .digest = self->digest, .size = push->size };
    char *value = apr_palloc(pool, head + 1 + push->size);
    oci_error_t *error;
    int i;

    memcpy(value, self->document->media_type, head);
    value[head] = '\n';
    memcpy(value + head + 1, push->data, push->size);
    oci_change_put(changes, OCI_CHANGE_PUT,
                   oci_key_manifest(pool, self->repository->name, self->digest),
                   value, head + 1 + push->size);
    if (self->document->subject) {
        oci_referrer_put(changes, self->repository->name, self->document,
                         &manifest, pool);
    }
    oci_repository_enter(changes, self->repository->name, pool);
    for (i = 0; i < self->tags->nelts; i++) {
        error = oci_tag_put(changes, self->repository,
                            APR_ARRAY_IDX(self->tags, i, const char *),
                            self->digest, pool);
        if (error) {
            return error;
        }
    }
    if (mark) {
        oci_change_delete(changes, mark);
    }
    return oci_facts_apply(self->repository->registry, changes,
                           self->repository->registry->durable, pool);
}

static oci_error_t *check_children(const manifest_push_t *self)
{
    return oci_children_check(self->repository, self->document, self->pool);
}

/* Remove the mark of a push that failed; a deletion does it otherwise. */
static void drop_mark(const manifest_push_t *self, const char *mark)
{
    apr_array_header_t *changes = oci_change_list_make(self->pool);

    oci_change_delete(changes, mark);
    oci_facts_apply(self->repository->registry, changes, 0, self->pool);
}

/* Check and store, under the locks.
 * mark: of a check that was made before, or NULL
 * *again: whether a deletion came between, and nothing is stored */
static oci_error_t *put_locked(int *again, const manifest_push_t *self,
                               const char *mark)
{
    oci_error_t *error;
    int holds;

    *again = 0;
    if (mark) {
        error = oci_fact_exists(&holds, self->repository->registry, mark,
                                self->pool);
        if (!error && !holds) {
            *again = 1;
            return NULL;
        }
    }
    else {
        error = check_children(self);
    }
    if (!error) {
        error = check_condition(&self->push->condition, self->repository,
                                self->push->reference, self->pool);
    }
    return error ? error : store(self, mark);
}

static oci_error_t *lock_and_put(int *again, const manifest_push_t *self,
                                 const char *mark)
{
    locks_t locks;
    oci_error_t *error = lock_tags(&locks, self->repository, self->tags,
                                   self->pool);

    if (error) {
        return error;
    }
    error = put_locked(again, self, mark);
    unlock_tags(&locks, self->repository);
    return error;
}

/* Store a manifest.  Where it names much, its children are checked before
 * the repository is locked, and once more for each deletion that comes
 * between; the last of these checks is made under the lock. */
static oci_error_t *put(const manifest_push_t *self)
{
    int early = self->document->children->nelts > CHILDREN_FEW ? EARLY_CHECKS
                                                               : 0;
    oci_error_t *error = NULL;
    int again;

    do {
        const char *mark = NULL;

        again = 0;
        if (early-- > 0) {
            error = oci_pending_mark(&mark, self->repository, self->pool);
            if (error) {
                return error;
            }
            error = check_children(self);
        }
        if (!error) {
            error = lock_and_put(&again, self, mark);
        }
        if (error && mark) {
            drop_mark(self, mark);
        }
    } while (!error && again);
    return error;
}

static apr_array_header_t *all_tags(const oci_push_t *push, apr_pool_t *pool)
{
    apr_array_header_t *tags = push->tags
        ? apr_array_copy(pool, push->tags)
        : apr_array_make(pool, 1, sizeof(const char *));

    if (!oci_digest_valid(push->reference)) {
        APR_ARRAY_PUSH(tags, const char *) = push->reference;
    }
    return tags;
}

oci_error_t *oci_manifest_put(oci_pushed_t *pushed,
                              const oci_repository_t *repository,
                              const oci_push_t *push, apr_pool_t *pool)
{
    int by_digest = oci_digest_valid(push->reference);
    const char *digest = oci_digest_of(by_digest ? oci_digest_algorithm(
                                           push->reference)
                                                 : OCI_SHA256,
                                       push->data, push->size, pool);
    manifest_push_t self = { repository,           push, digest, NULL,
                             all_tags(push, pool), pool };
    oci_document_t *document;
    const char *wrong;

    if (by_digest && strcmp(digest, push->reference)) {
        return oci_error_make(pool, OCI_E_DIGEST_INVALID, "digest",
                              push->reference,
                              "the digest of the bytes received is %s", digest);
    }
    wrong = oci_document_parse(&document, push->content_type, push->data,
                               push->size, pool);
    if (wrong) {
        return oci_error_make(pool, OCI_E_MANIFEST_INVALID, "digest", digest,
                              "%s", wrong);
    }
    self.document = document;
    pushed->digest = digest;
    pushed->subject = document->subject ? document->subject->digest : NULL;
    return put(&self);
}

/* Tags, referrer, manifest: the opposite order of a push. */
static oci_error_t *delete_digest(const oci_repository_t *repository,
                                  const char *digest, apr_pool_t *pool)
{
    const char *key = oci_key_manifest(pool, repository->name, digest);
    apr_array_header_t *changes = oci_change_list_make(pool);
    oci_manifest_t manifest;
    oci_document_t *document;
    oci_error_t *error;
    int exists;

    if ((error = oci_fact_exists(&exists, repository->registry, key, pool))) {
        return error;
    }
    if (!exists) {
        error = oci_repository_leave(repository, pool);
        return error ? error : oci_manifest_unknown(digest, pool);
    }
    if ((error = oci_pending_cancel(changes, repository, pool))
        || (error = oci_tag_delete_all(changes, repository, digest, pool))) {
        return error;
    }
    error = oci_manifest_get(&manifest, repository, digest, pool);
    if (error && error->code != OCI_E_MANIFEST_UNKNOWN) {
        return error;
    }
    if (!error
        && !oci_document_parse(&document, manifest.media_type, manifest.data,
                               manifest.size, pool)
        && document->subject) {
        oci_referrer_delete(changes, repository->name,
                            document->subject->digest, digest, pool);
    }
    oci_change_delete(changes, key);
    error = oci_facts_apply(repository->registry, changes,
                            repository->registry->durable, pool);
    return error ? error : oci_repository_leave(repository, pool);
}

static oci_error_t *delete_tag(const oci_repository_t *repository,
                               const char *tag,
                               const oci_condition_t *condition,
                               apr_pool_t *pool)
{
    apr_array_header_t *changes = oci_change_list_make(pool);
    const char *digest;
    oci_error_t *error = oci_tag_get(&digest, repository, tag, pool);

    if (error) {
        return error;
    }
    if (!digest) {
        return oci_manifest_unknown(tag, pool);
    }
    if ((error = check_condition(condition, repository, tag, pool))) {
        return error;
    }
    oci_tag_delete(changes, repository->name, tag, digest, pool);
    return oci_facts_apply(repository->registry, changes,
                           repository->registry->durable, pool);
}

oci_error_t *oci_manifest_delete(const oci_repository_t *repository,
                                 const char *reference,
                                 const oci_condition_t *condition,
                                 apr_pool_t *pool)
{
    apr_array_header_t *tags;
    locks_t locks = { NULL, NULL };
    oci_error_t *error;

    if (oci_digest_valid(reference)) {
        error = oci_repository_lock(&locks.repository, repository,
                                    OCI_LOCK_EXCLUSIVE, pool);
        if (error) {
            return error;
        }
        error = check_condition(condition, repository, reference, pool);
        if (!error) {
            error = delete_digest(repository, reference, pool);
        }
        unlock_tags(&locks, repository);
        return error;
    }
    tags = apr_array_make(pool, 1, sizeof(const char *));
    APR_ARRAY_PUSH(tags, const char *) = reference;
    error = lock_tags(&locks, repository, tags, pool);
    if (error) {
        return error;
    }
    error = delete_tag(repository, reference, condition, pool);
    unlock_tags(&locks, repository);
    return error;
}
