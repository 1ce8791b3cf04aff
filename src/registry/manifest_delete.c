/* SPDX-License-Identifier: Apache-2.0 */

/* Deletes manifests and tags. */

#include <string.h>

#include "apr_strings.h"

#include "registry/keys.h"
#include "registry/manifest.h"
#include "registry/manifest_delete.h"
#include "registry/pending.h"
#include "registry/referrer.h"
#include "registry/repository.h"
#include "registry/tag.h"
#include "values/digest.h"
#include "values/document.h"

/* How often it is asked which tags may be deleted while others push more. */
#define ROUNDS 10

static oci_error_t *delete_if_exists(apr_array_header_t *changes,
                                     const oci_repository_t *repository,
                                     const char *key, apr_pool_t *pool)
{
    int exists;
    oci_error_t *error = oci_fact_exists(&exists, repository->registry, key,
                                         pool);

    if (!error && exists) {
        oci_change_delete(changes, key);
    }
    return error;
}

/* Add the change that takes a manifest out of the referrers of its subject.
 * scratch: for the manifest */
static oci_error_t *delete_referrer(apr_array_header_t *changes,
                                    const oci_repository_t *repository,
                                    const char *digest, apr_pool_t *pool,
                                    apr_pool_t *scratch)
{
    oci_manifest_t manifest;
    oci_document_t *document;
    oci_error_t *error = oci_manifest_get(&manifest, repository, digest,
                                          scratch);

    if (error) {
        return error->code == OCI_E_MANIFEST_UNKNOWN ? NULL : error;
    }
    if (!oci_document_parse(&document, manifest.media_type, manifest.data,
                            manifest.size, scratch)
        && document->subject) {
        oci_referrer_delete(changes, repository->name,
                            apr_pstrdup(pool, document->subject->digest),
                            digest, pool);
    }
    return NULL;
}

/* The tags, the referrer and the manifest: a push's order reversed.
 * *tags: set to these tags, const char *, in bytewise order */
static oci_error_t *add_removal(apr_array_header_t **tags,
                                apr_array_header_t *changes,
                                const oci_repository_t *repository,
                                const char *digest, apr_pool_t *pool)
{
    oci_error_t *error = oci_tag_delete_all(tags, changes, repository, digest,
                                            pool);
    apr_pool_t *scratch;
    apr_status_t rv;

    if (error) {
        return error;
    }
    rv = apr_pool_create(&scratch, pool);
    if (rv != APR_SUCCESS) {
        return oci_error_storage(pool, rv, "cannot delete a manifest");
    }
    if ((error = delete_referrer(changes, repository, digest, pool, scratch))) {
        return error;
    }
    apr_pool_destroy(scratch); /* a caller may delete many */
    oci_repository_queue_review(changes, repository->name, pool);
    oci_change_delete(changes,
                      oci_key_manifest(pool, repository->name, digest));
    error = delete_if_exists(changes, repository,
                             oci_key_untagged(pool, repository->name, digest),
                             pool);
    return error
        ? error
        : delete_if_exists(changes, repository,
                           oci_key_pulled(pool, repository->name, digest),
                           pool);
}

oci_error_t *oci_manifest_add_removal(apr_array_header_t *changes,
                                      const oci_repository_t *repository,
                                      const char *digest, apr_pool_t *pool)
{
    apr_array_header_t *tags;

    return add_removal(&tags, changes, repository, digest, pool);
}

/* The deletion of a manifest in progress. */
typedef struct removal_t {
    const oci_repository_t *repository;
    const oci_deletion_t *deletion;
    apr_array_header_t *allowed; /* const char *: the tags that may be deleted,
                                  * in bytewise order; NULL: all tags */
    apr_pool_t *pool;
} removal_t;

/* Whether all these tags, in bytewise order, may be deleted. */
static int may_delete_all(const removal_t *self, const apr_array_header_t *tags)
{
    const apr_array_header_t *allowed = self->allowed;
    int i, k = 0;

    for (i = 0; allowed && i < tags->nelts; i++) {
        const char *tag = APR_ARRAY_IDX(tags, i, const char *);

        while (k < allowed->nelts
               && strcmp(APR_ARRAY_IDX(allowed, k, const char *), tag) < 0) {
            k++;
        }
        if (k == allowed->nelts
            || strcmp(APR_ARRAY_IDX(allowed, k, const char *), tag)) {
            return 0;
        }
    }
    return 1;
}

/* Ask about the tags in a list that are not known to be allowed, and add them
 * to those that are.  Both lists are in bytewise order. */
static oci_error_t *allow_tags(removal_t *self, const apr_array_header_t *tags)
{
    const oci_deletion_t *deletion = self->deletion;
    const apr_array_header_t *known = self->allowed;
    oci_error_t *error = NULL;
    int i = 0, k = 0;

    self->allowed = apr_array_make(self->pool, known->nelts + tags->nelts,
                                   sizeof(const char *));
    while (!error && (i < tags->nelts || k < known->nelts)) {
        const char *tag = i < tags->nelts ? APR_ARRAY_IDX(tags, i, const char *)
                                          : NULL;
        const char *old = k < known->nelts
            ? APR_ARRAY_IDX(known, k, const char *)
            : NULL;
        int order = tag && old ? strcmp(tag, old) : !tag - !old;

        if (order < 0) {
            error = deletion->may_delete(deletion->baton, tag);
        }
        APR_ARRAY_PUSH(self->allowed, const char *) = order < 0 ? tag : old;
        i += order <= 0;
        k += order >= 0;
    }
    return error;
}

/* Ask whether the tags that name the digest now may be deleted. */
static oci_error_t *ask_tags(removal_t *self)
{
    const char *digest = self->deletion->reference;
    apr_array_header_t *tags;
    oci_error_t *error = oci_condition_check(&self->deletion->condition,
                                             self->repository, digest,
                                             self->pool);

    if (!error) {
        error = oci_tag_list_naming(&tags, self->repository, digest,
                                    self->pool);
    }
    return error ? error : allow_tags(self, tags);
}

/* Delete the manifest under the lock.
 * *again: set to 1, with nothing deleted, if it is not known whether all its
 * tags may be deleted */
static oci_error_t *delete_locked(int *again, const removal_t *self)
{
    const oci_repository_t *repository = self->repository;
    const char *digest = self->deletion->reference;
    apr_pool_t *pool = self->pool;
    apr_array_header_t *changes = oci_change_list_make(pool);
    apr_array_header_t *tags;
    oci_error_t *error;
    int exists;

    error = oci_condition_check(&self->deletion->condition, repository, digest,
                                pool);
    if (!error) {
        error = oci_fact_exists(&exists, repository->registry,
                                oci_key_manifest(pool, repository->name,
                                                 digest),
                                pool);
    }
    if (error) {
        return error;
    }
    if (!exists) {
        error = oci_repository_unregister_if_empty(repository, pool);
        return error ? error : oci_manifest_unknown(digest, pool);
    }
    if ((error = oci_pending_cancel(changes, repository, pool))
        || (error = add_removal(&tags, changes, repository, digest, pool))) {
        return error;
    }
    *again = !may_delete_all(self, tags);
    if (*again) {
        return NULL;
    }
    error = oci_facts_remove(repository->registry, changes, pool);
    return error ? error : oci_repository_unregister_if_empty(repository, pool);
}

static oci_error_t *lock_and_delete(int *again, const removal_t *self)
{
    oci_lock_t *lock;
    oci_error_t *error = oci_repository_lock(&lock, self->repository,
                                             OCI_LOCK_EXCLUSIVE, self->pool);

    if (!error) {
        error = delete_locked(again, self);
        oci_repository_unlock(self->repository, lock);
    }
    return error;
}

static oci_error_t *delete_digest(removal_t *self)
{
    oci_error_t *error = NULL;
    int again = 1;
    int i;

    if (self->deletion->may_delete) {
        self->allowed = apr_array_make(self->pool, 0, sizeof(const char *));
    }
    for (i = 0; i < ROUNDS && again && !error; i++) {
        again = 0;
        if (self->allowed) {
            error = ask_tags(self);
        }
        if (!error) {
            error = lock_and_delete(&again, self);
        }
    }
    if (error || !again) {
        return error;
    }
    return oci_error_make(self->pool, OCI_E_UNAVAILABLE, "digest",
                          self->deletion->reference,
                          "nothing was deleted: other clients keep pushing "
                          "tags that name this manifest; try again later");
}

/* Delete the tag under its lock. */
static oci_error_t *delete_tag(const removal_t *self)
{
    const oci_repository_t *repository = self->repository;
    const char *tag = self->deletion->reference;
    apr_pool_t *pool = self->pool;
    apr_array_header_t *changes = oci_change_list_make(pool);
    oci_tag_t found;
    oci_error_t *error = oci_tag_get(&found, repository, tag, pool);

    if (error) {
        return error;
    }
    if (!found.digest) {
        return oci_manifest_unknown(tag, pool);
    }
    error = oci_condition_check(&self->deletion->condition, repository, tag,
                                pool);
    if (error) {
        return error;
    }
    if (self->deletion->immutable) {
        return oci_tag_refuse_deletion(tag, pool);
    }
    oci_tag_delete(changes, repository->name, tag, found.digest, pool);
    return oci_facts_remove(repository->registry, changes, pool);
}

oci_error_t *oci_manifest_delete(const oci_repository_t *repository,
                                 const oci_deletion_t *deletion,
                                 apr_pool_t *pool)
{
    removal_t self = { repository, deletion, NULL, pool };
    apr_array_header_t *tags;
    oci_tag_locks_t locks;
    oci_error_t *error;

    if (oci_digest_valid(deletion->reference)) {
        return delete_digest(&self);
    }
    tags = apr_array_make(pool, 1, sizeof(const char *));
    APR_ARRAY_PUSH(tags, const char *) = deletion->reference;
    error = oci_repository_lock_tags(&locks, repository, tags, pool);
    if (!error) {
        error = delete_tag(&self);
        oci_repository_unlock_tags(repository, &locks);
    }
    return error;
}
