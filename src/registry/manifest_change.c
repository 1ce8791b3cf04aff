/* SPDX-License-Identifier: Apache-2.0 */

/* Pushes manifests and sets tags. */

#include <string.h>

#include "apr_strings.h"
#include "apr_time.h"

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

/* The children of a manifest with more children than this are checked before
 * the repository is locked.  For fewer children the check costs less than the
 * mark that an early check needs. */
#define FEW_CHILDREN 16

/* How often the children are checked without a lock while other requests
 * delete. */
#define EARLY_CHECKS 3

/* A push in progress. */
typedef struct manifest_push_t {
    const oci_repository_t *repository;
    const oci_push_t *push;
    const char *digest;
    const oci_document_t *document;
    const apr_array_header_t *tags; /* of const char *: all tags to set */
    apr_array_header_t *released;   /* changes that keep what it names */
    apr_pool_t *pool;
} manifest_push_t;

/* Whether a manifest's fact was written by the same push, see origin.h. */
static int is_same_push(const oci_value_t *value,
                        const oci_manifest_t *manifest, apr_pool_t *pool)
{
    oci_manifest_t old;

    return oci_manifest_parse(&old, value, pool)
        && !strcmp(old.media_type, manifest->media_type)
        && old.size == manifest->size
        && !memcmp(old.data, manifest->data, old.size)
        && oci_origin_is_same(&old.origin, &manifest->origin);
}

/* Add the change that sets the manifest's fact.  If the same push has written
 * it already, its value stays: the index then makes sure that it is durable.  A
 * fact that is damaged and cannot be read is replaced. */
static oci_error_t *put_manifest(apr_array_header_t *changes,
                                 const oci_repository_t *repository,
                                 const oci_manifest_t *manifest,
                                 apr_pool_t *pool)
{
    const char *key = oci_key_manifest(pool, repository->name,
                                       manifest->digest);
    oci_value_t value;
    oci_error_t *error = oci_fact_get(&value, repository->registry, key, pool);

    if (error && error->code == OCI_E_UNAVAILABLE) {
        return error;
    }
    if (error || !is_same_push(&value, manifest, pool)) {
        value = oci_manifest_format(manifest, pool);
    }
    oci_change_put(changes, OCI_CHANGE_PUT, key, value.data, value.size);
    return NULL;
}

/* Add the changes that keep the manifest and its subject from garbage
 * collection. */
static oci_error_t *add_releases(apr_array_header_t *changes,
                                 const manifest_push_t *self)
{
    const oci_descriptor_t *subject = self->document->subject;
    oci_error_t *error = oci_manifest_add_release(changes, self->repository,
                                                  self->digest, self->pool);

    return error || !subject
        ? error
        : oci_manifest_add_release(changes, self->repository, subject->digest,
                                   self->pool);
}

/* Release what garbage collection is about to delete, and write the manifest,
 * the referrer, the catalog and the tags, in this order, so that each of them
 * refers only to facts that already exist. */
static oci_error_t *write_manifest(const manifest_push_t *self,
                                   const char *mark)
{
    const oci_push_t *push = self->push;
    apr_pool_t *pool = self->pool;
    apr_array_header_t *changes = apr_array_copy(pool, self->released);
    oci_manifest_t manifest = { .digest = self->digest,
                                .media_type = self->document->media_type,
                                .data = push->data,
                                .size = push->size };
    oci_tag_t tag = { .digest = self->digest };
    oci_error_t *error;
    int i;

    oci_origin_set(&manifest.origin,
                   push->seconds ? push->seconds : apr_time_sec(apr_time_now()),
                   push->user, pool);
    tag.origin = manifest.origin;
    error = add_releases(changes, self);
    if (error
        || (error = put_manifest(changes, self->repository, &manifest, pool))) {
        return error;
    }
    if (self->document->subject) {
        oci_referrer_put(changes, self->repository->name, self->document,
                         &manifest, pool);
    }
    oci_repository_register(changes, self->repository->name, pool);
    for (i = 0; i < self->tags->nelts; i++) {
        error = oci_tag_put(changes, self->repository,
                            APR_ARRAY_IDX(self->tags, i, const char *), &tag,
                            pool);
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
    apr_array_clear(self->released);
    return oci_children_check(self->released, self->repository, self->document,
                              self->pool);
}

/* Check that no tag moves that must not. */
static oci_error_t *check_fixed_tags(const manifest_push_t *self)
{
    const apr_array_header_t *tags = self->push->fixed;
    oci_error_t *error = NULL;
    int i;

    for (i = 0; tags && i < tags->nelts && !error; i++) {
        const char *tag = APR_ARRAY_IDX(tags, i, const char *);
        oci_tag_t found;

        error = oci_tag_get(&found, self->repository, tag, self->pool);
        if (!error && found.digest && strcmp(found.digest, self->digest)) {
            error = oci_error_make(self->pool, OCI_E_TAG_IMMUTABLE, "tag", tag,
                                   "the tag %s is immutable: it names %s and "
                                   "cannot be moved to %s; push under another "
                                   "tag",
                                   tag, found.digest, self->digest);
        }
    }
    return error;
}

/* Check and store the manifest under the locks.
 * mark: the mark of an early check of the children, or NULL to check them here
 * *again: set to 1, with nothing stored, if a deletion invalidated the early
 * check */
static oci_error_t *put_locked(int *again, const manifest_push_t *self,
                               const char *mark)
{
    oci_error_t *error;
    int marked;

    *again = 0;
    if (mark) {
        error = oci_fact_exists(&marked, self->repository->registry, mark,
                                self->pool);
        if (!error && !marked) {
            *again = 1;
            return NULL;
        }
    }
    else {
        error = check_children(self);
    }
    if (!error) {
        error = oci_condition_check(&self->push->condition, self->repository,
                                    self->push->reference, self->pool);
    }
    if (!error) {
        error = check_fixed_tags(self);
    }
    return error ? error : write_manifest(self, mark);
}

static oci_error_t *lock_and_put(int *again, const manifest_push_t *self,
                                 const char *mark)
{
    oci_tag_locks_t locks;
    oci_error_t *error = oci_repository_lock_tags(&locks, self->repository,
                                                  self->tags, self->pool);

    if (error) {
        return error;
    }
    error = put_locked(again, self, mark);
    oci_repository_unlock_tags(self->repository, &locks);
    return error;
}

/* Store a manifest.  If it has many children, they are checked before the
 * repository is locked, and again after each deletion that happened meanwhile.
 * After EARLY_CHECKS attempts the last check is made under the lock. */
static oci_error_t *push_manifest(const manifest_push_t *self)
{
    int early_checks = self->document->children->nelts > FEW_CHILDREN
        ? EARLY_CHECKS
        : 0;
    oci_error_t *error = NULL;
    int again;

    do {
        const char *mark = NULL;

        again = 0;
        if (early_checks-- > 0) {
            error = oci_pending_mark(&mark, self->repository, self->pool);
            if (error) {
                return error;
            }
            error = check_children(self);
        }
        if (!error) {
            error = lock_and_put(&again, self, mark);
        }
        if (error && mark) { /* if this fails, the next deletion removes it */
            oci_fact_delete(self->repository->registry, mark, 0, self->pool);
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
    manifest_push_t self = { .repository = repository,
                             .push = push,
                             .digest = digest,
                             .tags = all_tags(push, pool),
                             .released = oci_change_list_make(pool),
                             .pool = pool };
    oci_document_t *document;
    const char *problem;

    if (by_digest && strcmp(digest, push->reference)) {
        return oci_error_make(pool, OCI_E_DIGEST_INVALID, "digest",
                              push->reference,
                              "the digest of the bytes received is %s", digest);
    }
    problem = oci_document_parse(&document, push->content_type, push->data,
                                 push->size, pool);
    if (problem) {
        return oci_error_make(pool, OCI_E_MANIFEST_INVALID, "digest", digest,
                              "%s", problem);
    }
    self.document = document;
    pushed->digest = digest;
    pushed->subject = document->subject ? document->subject->digest : NULL;
    return push_manifest(&self);
}

/* Release a manifest with a mark, if it still exists.  The caller holds the
 * lock. */
static oci_error_t *release_locked(const oci_repository_t *repository,
                                   const char *digest,
                                   const apr_array_header_t *changes,
                                   apr_pool_t *pool)
{
    int exists;
    oci_error_t *error = oci_fact_exists(&exists, repository->registry,
                                         oci_key_manifest(pool,
                                                          repository->name,
                                                          digest),
                                         pool);

    if (error || !exists) {
        return error ? error : oci_manifest_unknown(digest, pool);
    }
    return oci_facts_apply(repository->registry, changes, 0, pool);
}

oci_error_t *oci_manifest_release(const oci_repository_t *repository,
                                  const char *digest, apr_pool_t *pool)
{
    apr_array_header_t *changes = oci_change_list_make(pool);
    oci_lock_t *lock;
    oci_error_t *error = oci_manifest_add_release(changes, repository, digest,
                                                  pool);

    if (error || !changes->nelts) {
        return error;
    }
    error = oci_repository_lock(&lock, repository, OCI_LOCK_SHARED, pool);
    if (!error) {
        error = release_locked(repository, digest, changes, pool);
        oci_repository_unlock(repository, lock);
    }
    return error;
}
