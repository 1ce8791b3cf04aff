/* SPDX-License-Identifier: Apache-2.0 */

/* Deletes a whole repository, in the opposite order of a push: tags, manifests,
 * blobs.  Requests may push to it meanwhile.  Blobs are deleted only while
 * there is no manifest; if one was pushed, the next round begins. */

#include <string.h>

#include "apr_strings.h"

#include "admin/rm_repository.h"
#include "gc/gc_order.h"
#include "registry/blob.h"
#include "registry/keys.h"
#include "registry/manifest_delete.h"
#include "registry/pending.h"
#include "registry/repository.h"
#include "registry/tag.h"
#include "values/digest.h"

/* How many facts are deleted under the lock at a time, at most. */
#define BATCH 128

/* How often is begun anew if others push. */
#define ROUNDS 5

typedef struct range_t range_t;

/* The deletion of a repository in progress. */
typedef struct rm_t {
    const oci_repository_t *repository;
    oci_rm_counts_t *counts;
    int (*is_stopped)(void);
    int pushed;        /* whether a manifest was pushed in this round */
    apr_pool_t *batch; /* for a batch */
} rm_t;

/* Facts that are deleted together. */
struct range_t {
    const char *prefix;
    int values;          /* whether add needs them */
    int last;            /* they go when there is no manifest */
    apr_uint64_t *count; /* of those that were deleted, or NULL */

    /* Add the changes that delete something; NULL: delete the fact alone. */
    oci_error_t *(*add)(apr_array_header_t *changes, const rm_t *self,
                        const char *rest, const oci_value_t *value);
};

static oci_error_t *add_tag(apr_array_header_t *changes, const rm_t *self,
                            const char *tag, const oci_value_t *value)
{
    const char *name = self->repository->name;
    const char *digest = oci_tag_digest(value, changes->pool);

    if (digest && oci_digest_valid(digest)) {
        oci_tag_delete(changes, name, tag, digest, changes->pool);
    }
    else {
        oci_change_delete(changes, oci_key_tag(changes->pool, name, tag));
    }
    return NULL;
}

static oci_error_t *add_manifest(apr_array_header_t *changes, const rm_t *self,
                                 const char *digest, const oci_value_t *value)
{
    (void)value;
    if (oci_digest_valid(digest)) {
        return oci_manifest_add_removal(changes, self->repository, digest,
                                        changes->pool);
    }
    oci_change_delete(changes,
                      oci_key_manifest(changes->pool, self->repository->name,
                                       digest));
    return NULL;
}

static oci_error_t *add_blob(apr_array_header_t *changes, const rm_t *self,
                             const char *digest, const oci_value_t *value)
{
    (void)value;
    if (oci_digest_valid(digest)) {
        oci_blob_add_removal(changes, self->repository, digest);
    }
    else {
        oci_change_delete(changes,
                          oci_key_held(changes->pool, self->repository->name,
                                       digest));
    }
    return NULL;
}

static oci_error_t *stopped(const rm_t *self)
{
    return self->is_stopped()
        ? oci_error_make(self->batch, OCI_E_UNAVAILABLE, NULL, NULL,
                         "interrupted; run the same command again to continue")
        : NULL;
}

/* Find out whether there is a manifest. */
static oci_error_t *find_manifest(int *found, const rm_t *self)
{
    oci_scan_t scan = { oci_key_manifest(self->batch, self->repository->name,
                                         NULL),
                        NULL, 1, 0, 1 };
    apr_array_header_t *entries;
    oci_error_t *error = oci_facts_scan(&entries, self->repository->registry,
                                        &scan, self->batch);

    *found = !error && entries->nelts;
    return error;
}

/* Delete these facts.  The caller holds the lock. */
static oci_error_t *delete_entries(rm_t *self, const range_t *range,
                                   const apr_array_header_t *entries)
{
    apr_array_header_t *changes = oci_change_list_make(self->batch);
    oci_error_t *error = oci_pending_cancel(changes, self->repository,
                                            self->batch);
    int i;

    for (i = 0; !error && i < entries->nelts; i++) {
        const oci_entry_t *entry = &APR_ARRAY_IDX(entries, i, oci_entry_t);

        if (range->add) {
            error = range->add(changes, self,
                               entry->key + strlen(range->prefix),
                               &entry->value);
        }
        else {
            oci_change_delete(changes, entry->key);
        }
    }
    if (!error && entries->nelts) {
        error = oci_facts_remove(self->repository->registry, changes,
                                 self->batch);
    }
    if (!error && range->count) {
        *range->count += entries->nelts;
    }
    return error;
}

/* Delete the first facts of a range under the lock.
 * *done: set to whether there are none left, or to 1 if a manifest is there
 * that must not be */
static oci_error_t *delete_first(int *done, rm_t *self, const range_t *range)
{
    oci_scan_t scan = { range->prefix, NULL, BATCH, range->values, 0 };
    apr_array_header_t *entries;
    oci_error_t *error = NULL;

    if (range->last) {
        error = find_manifest(&self->pushed, self);
    }
    *done = self->pushed;
    if (error || self->pushed) {
        return error;
    }
    error = oci_facts_scan(&entries, self->repository->registry, &scan,
                           self->batch);
    if (!error) {
        *done = entries->nelts < BATCH;
        error = delete_entries(self, range, entries);
    }
    return error;
}

static oci_error_t *delete_range(rm_t *self, const range_t *range)
{
    oci_error_t *error = NULL;
    oci_lock_t *lock;
    int done = 0;

    while (!done && !error) {
        apr_pool_clear(self->batch);
        error = stopped(self);
        if (!error) {
            error = oci_repository_lock(&lock, self->repository,
                                        OCI_LOCK_EXCLUSIVE, self->batch);
        }
        if (!error) {
            error = delete_first(&done, self, range);
            oci_repository_unlock(self->repository, lock);
        }
    }
    return error;
}

/* Delete some manifests, those that are still there, under the lock. */
static oci_error_t *delete_manifests(rm_t *self, const char *const *digests,
                                     int count)
{
    apr_pool_t *pool = self->batch;
    range_t range = { .prefix = oci_key_manifest(pool, self->repository->name,
                                                 NULL),
                      .count = &self->counts->manifests,
                      .add = add_manifest };
    apr_array_header_t *entries = apr_array_make(pool, count,
                                                 sizeof(oci_entry_t));
    oci_error_t *error = NULL;
    int exists, i;

    for (i = 0; i < count && !error; i++) {
        const char *key = oci_key_manifest(pool, self->repository->name,
                                           digests[i]);

        error = oci_fact_exists(&exists, self->repository->registry, key, pool);
        if (!error && exists) {
            memset(apr_array_push(entries), 0, sizeof(oci_entry_t));
            APR_ARRAY_IDX(entries, entries->nelts - 1, oci_entry_t).key = key;
        }
    }
    return error ? error : delete_entries(self, &range, entries);
}

/* List the manifests in the order in which to delete them.  Those that cannot
 * be read are left out. */
static oci_error_t *list_manifests(apr_array_header_t **digests,
                                   const rm_t *self, apr_pool_t *pool)
{
    oci_gc_t gc = { .registry = self->repository->registry };
    oci_gc_named_t *named = oci_gc_named_make(&gc, self->repository, 1, pool);
    oci_error_t *damaged;
    oci_error_t *error;
    int i;

    *digests = apr_array_make(pool, 64, sizeof(char *));
    error = oci_gc_named_read(&damaged, named, pool);
    for (i = 0; !error && i < oci_gc_named_count(named); i++) {
        const oci_gc_manifest_t *manifest = oci_gc_named_at(named, i);

        if (manifest) {
            APR_ARRAY_PUSH(*digests, const char *) = manifest->digest;
        }
    }
    if (!error) {
        oci_gc_order(*digests, named, pool);
    }
    return error;
}

static oci_error_t *delete_ordered(rm_t *self, apr_pool_t *pool)
{
    apr_array_header_t *digests;
    oci_error_t *error = list_manifests(&digests, self, pool);
    oci_lock_t *lock;
    int i;

    for (i = 0; !error && i < digests->nelts; i += BATCH) {
        int left = digests->nelts - i;

        apr_pool_clear(self->batch);
        error = stopped(self);
        if (!error) {
            error = oci_repository_lock(&lock, self->repository,
                                        OCI_LOCK_EXCLUSIVE, self->batch);
        }
        if (!error) {
            error = delete_manifests(self,
                                     &APR_ARRAY_IDX(digests, i, const char *),
                                     left < BATCH ? left : BATCH);
            oci_repository_unlock(self->repository, lock);
        }
    }
    return error;
}

/* Take the repository out of the catalog if nothing is left in it. */
static oci_error_t *unregister(const rm_t *self)
{
    oci_lock_t *lock;
    oci_error_t *error;

    apr_pool_clear(self->batch);
    error = oci_repository_lock(&lock, self->repository, OCI_LOCK_EXCLUSIVE,
                                self->batch);
    if (!error) {
        error = oci_repository_unregister_if_empty(self->repository,
                                                   self->batch);
        oci_repository_unlock(self->repository, lock);
    }
    return error;
}

/* Delete everything once. */
static oci_error_t *delete_round(rm_t *self, apr_pool_t *pool)
{
    const char *name = self->repository->name;
    range_t tags = { oci_key_tag(pool, name, NULL), 1, 0, &self->counts->tags,
                     add_tag };
    const range_t rest[] = {
        { oci_key_manifest(pool, name, NULL), 0, 0, &self->counts->manifests,
          add_manifest },
        { oci_key_held(pool, name, NULL), 0, 1, &self->counts->blobs,
          add_blob },
        { oci_key_tagged(pool, name, NULL, NULL), 0, 1, NULL, NULL },
        { oci_key_referrer(pool, name, NULL, NULL), 0, 1, NULL, NULL },
        { oci_key_untagged(pool, name, NULL), 0, 1, NULL, NULL },
        { oci_key_pulled(pool, name, NULL), 0, 1, NULL, NULL },
    };
    oci_error_t *error;
    apr_size_t i;

    self->pushed = 0;
    error = delete_range(self, &tags);
    if (!error) {
        error = delete_ordered(self, pool);
    }
    for (i = 0; i < sizeof(rest) / sizeof(*rest) && !error && !self->pushed;
         i++) {
        error = delete_range(self, &rest[i]);
    }
    return error || self->pushed ? error : unregister(self);
}

oci_error_t *oci_rm_repository(oci_rm_counts_t *counts,
                               const oci_repository_t *repository,
                               int (*is_stopped)(void), apr_pool_t *pool)
{
    rm_t self = { .repository = repository,
                  .counts = counts,
                  .is_stopped = is_stopped };
    oci_error_t *error = NULL;
    apr_pool_t *round;
    apr_status_t rv = apr_pool_create(&round, pool);
    int exists = 1, i;

    if (rv == APR_SUCCESS) {
        rv = apr_pool_create(&self.batch, pool);
    }
    if (rv != APR_SUCCESS) {
        return oci_error_storage(pool, rv, "cannot delete a repository");
    }
    memset(counts, 0, sizeof(*counts));
    for (i = 0; i < ROUNDS && exists && !error; i++) {
        apr_pool_clear(round);
        error = delete_round(&self, round);
        if (!error) {
            error = oci_repository_exists(&exists, repository, round);
        }
    }
    return error || !exists
        ? error
        : oci_error_make(pool, OCI_E_UNAVAILABLE, NULL, NULL,
                         "clients keep pushing to the repository: what they "
                         "pushed last was not deleted");
}
