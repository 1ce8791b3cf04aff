/* Licensed under the Apache License, Version 2.0 (the "License"); you may
 * not use this file except in compliance with the License.  You may obtain
 * a copy of the License at http://www.apache.org/licenses/LICENSE-2.0
 *
 * Unless required by applicable law or agreed to in writing, software
 * distributed under the License is distributed on an "AS IS" BASIS,
 * WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
 * See the License for the specific language governing permissions and
 * limitations under the License.
 */

#include <string.h>

#include "apr_strings.h"

#include "registry/blob.h"
#include "registry/children.h"
#include "registry/keys.h"
#include "registry/manifest.h"
#include "registry/pending.h"
#include "registry/referrer.h"
#include "registry/repository.h"
#include "registry/tag.h"
#include "spec/digest.h"
#include "spec/document.h"
#include "spec/etag.h"

/* A manifest that names more than so much is checked before the locks: what
 * a few children cost is less than the mark that it takes. */
#define CHILDREN_FEW 16

/* How often a push is checked without a lock while others delete. */
#define EARLY_CHECKS 3

/* A manifest on its way into a repository. */
typedef struct manifest_push_t {
    const oci_registry_t *registry;
    const char *name;
    const oci_push_t *push;
    const char *digest;
    const oci_document_t *document;
    const apr_array_header_t *tags;    /* const char *: all that it sets */
    apr_pool_t *pool;
} manifest_push_t;

static oci_error_t *unknown(const char *reference, apr_pool_t *pool)
{
    return oci_error_make(pool, OCI_E_MANIFEST_UNKNOWN, "reference",
                          reference, "the repository has no such manifest");
}

/* What a reference names: itself, or the tag's digest, NULL for none. */
static oci_error_t *resolve(const char **digest,
                            const oci_registry_t *registry,
                            const char *name, const char *reference,
                            apr_pool_t *pool)
{
    if (oci_digest_valid(reference)) {
        *digest = reference;
        return NULL;
    }
    return oci_tag_get(digest, registry, name, reference, pool);
}

oci_error_t *oci_manifest_get(oci_manifest_t *manifest,
                              const oci_registry_t *registry,
                              const char *name, const char *reference,
                              apr_pool_t *pool)
{
    const char *digest;
    const char *key;
    const char *end;
    oci_value_t value;
    oci_error_t *error = resolve(&digest, registry, name, reference, pool);

    if (error) {
        return error;
    }
    if (!digest) {
        return unknown(reference, pool);
    }
    key = oci_key_manifest(pool, name, digest);
    if ((error = oci_fact_get(&value, registry, key, pool))) {
        return error;
    }
    if (!value.data) {
        return unknown(reference, pool);
    }
    end = memchr(value.data, '\n', value.size);
    if (end) {
        manifest->digest = digest;
        manifest->media_type = apr_pstrmemdup(pool, value.data,
                                              end - value.data);
        manifest->data = end + 1;
        manifest->size = value.data + value.size - (end + 1);
    }
    if (!end || strcmp(digest, oci_digest_of(oci_digest_algorithm(digest),
                                             manifest->data, manifest->size,
                                             pool))) {
        error = unknown(reference, pool);
        error->note = apr_psprintf(pool, "%s/%s is damaged; a new push will "
                                   "restore it", registry->index->where,
                                   key);
    }
    return error;
}

/* Whether a condition holds for what a reference names now. */
static oci_error_t *check_condition(const oci_condition_t *condition,
                                    const oci_registry_t *registry,
                                    const char *name, const char *reference,
                                    apr_pool_t *pool)
{
    const char *digest;
    const char *header;
    oci_error_t *error;

    if (!condition->match && !condition->none_match) {
        return NULL;
    }
    if ((error = resolve(&digest, registry, name, reference, pool))) {
        return error;
    }
    if (digest == reference) {
        int exists;

        error = oci_fact_exists(&exists, registry,
                                oci_key_manifest(pool, name, digest), pool);
        if (error) {
            return error;
        }
        digest = exists ? digest : NULL;
    }
    header = oci_etag_refusal(condition->match, condition->none_match,
                              digest);
    if (!header) {
        return NULL;
    }
    /* what it names is for those to know who may pull */
    return oci_error_make(pool, OCI_E_MANIFEST_CHANGED, "reference",
                          reference, "%s does not hold for what %s names "
                          "now", header, reference);
}

/* The locks of a push: one tag is locked by itself, several by the whole
 * repository, so that nobody waits for two tags in a circle. */
static oci_error_t *lock_tags(oci_lock_t **repository, oci_lock_t **tag,
                              const oci_registry_t *registry,
                              const char *name,
                              const apr_array_header_t *tags,
                              apr_pool_t *pool)
{
    oci_error_t *error;

    *tag = NULL;
    error = oci_repository_lock(repository, registry, name,
                                tags->nelts > 1 ? OCI_LOCK_EXCLUSIVE
                                                : OCI_LOCK_SHARED, pool);
    if (!error && tags->nelts == 1) {
        error = oci_repository_lock_tag(tag, registry, name,
                                        APR_ARRAY_IDX(tags, 0, const char *),
                                        pool);
        if (error) {
            oci_repository_unlock(registry, *repository);
        }
    }
    return error;
}

/* Manifest, referrer, catalog, tags: each names what is there already. */
static oci_error_t *store(const manifest_push_t *self, const char *mark)
{
    const oci_push_t *push = self->push;
    apr_pool_t *pool = self->pool;
    apr_array_header_t *changes = oci_changes_make(pool);
    apr_size_t head = strlen(self->document->media_type);
    char *value = apr_palloc(pool, head + 1 + push->size);
    oci_error_t *error;
    int i;

    memcpy(value, self->document->media_type, head);
    value[head] = '\n';
    memcpy(value + head + 1, push->data, push->size);
    oci_change_put(changes, OCI_CHANGE_PUT,
                   oci_key_manifest(pool, self->name, self->digest), value,
                   head + 1 + push->size);
    if (self->document->subject) {
        oci_referrer_put(changes, self->name, self->document, self->digest,
                         push->size, pool);
    }
    oci_repository_enter(changes, self->name, pool);
    for (i = 0; i < self->tags->nelts; i++) {
        error = oci_tag_put(changes, self->registry, self->name,
                            APR_ARRAY_IDX(self->tags, i, const char *),
                            self->digest, pool);
        if (error) {
            return error;
        }
    }
    if (mark) {
        oci_change_delete(changes, mark);
    }
    return oci_facts_apply(self->registry, changes, self->registry->durable,
                           pool);
}

static oci_error_t *check_children(const manifest_push_t *self)
{
    return oci_children_check(self->registry, self->name, self->document,
                              self->pool);
}

/* Remove the mark of a push that failed; a deletion does it otherwise. */
static void drop_mark(const manifest_push_t *self, const char *mark)
{
    apr_array_header_t *changes = oci_changes_make(self->pool);

    oci_change_delete(changes, mark);
    oci_facts_apply(self->registry, changes, 0, self->pool);
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
        error = oci_fact_exists(&holds, self->registry, mark, self->pool);
        if (!error && !holds) {
            *again = 1;
            return NULL;
        }
    }
    else {
        error = check_children(self);
    }
    if (!error) {
        error = check_condition(&self->push->condition, self->registry,
                                self->name, self->push->reference,
                                self->pool);
    }
    return error ? error : store(self, mark);
}

static oci_error_t *lock_and_put(int *again, const manifest_push_t *self,
                                 const char *mark)
{
    oci_lock_t *repository, *tag;
    oci_error_t *error = lock_tags(&repository, &tag, self->registry,
                                   self->name, self->tags, self->pool);

    if (error) {
        return error;
    }
    error = put_locked(again, self, mark);
    oci_repository_unlock(self->registry, tag);
    oci_repository_unlock(self->registry, repository);
    return error;
}

/* Store a manifest.  Where it names much, its children are checked before
 * the repository is locked, and once more for each deletion that comes
 * between; the last of these checks is made under the lock. */
static oci_error_t *put(const manifest_push_t *self)
{
    int early = self->document->children->nelts > CHILDREN_FEW
                ? EARLY_CHECKS : 0;
    oci_error_t *error = NULL;
    int again;

    do {
        const char *mark = NULL;

        again = 0;
        if (early-- > 0) {
            error = oci_pending_mark(&mark, self->registry, self->name,
                                     self->pool);
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
                              const oci_registry_t *registry,
                              const char *name, const oci_push_t *push,
                              apr_pool_t *pool)
{
    int by_digest = oci_digest_valid(push->reference);
    const char *digest = oci_digest_of(by_digest
                                       ? oci_digest_algorithm(push->reference)
                                       : OCI_SHA256, push->data, push->size,
                                       pool);
    manifest_push_t self = { registry, name, push, digest, NULL,
                             all_tags(push, pool), pool };
    oci_document_t *document;
    const char *wrong;

    if (by_digest && strcmp(digest, push->reference)) {
        return oci_error_make(pool, OCI_E_DIGEST_INVALID, "digest",
                              push->reference, "the digest of the bytes "
                              "received is %s", digest);
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
static oci_error_t *delete_digest(const oci_registry_t *registry,
                                  const char *name, const char *digest,
                                  apr_pool_t *pool)
{
    const char *key = oci_key_manifest(pool, name, digest);
    apr_array_header_t *changes = oci_changes_make(pool);
    oci_manifest_t manifest;
    oci_document_t *document;
    oci_error_t *error;
    int exists;

    if ((error = oci_fact_exists(&exists, registry, key, pool))) {
        return error;
    }
    if (!exists) {
        error = oci_repository_leave(registry, name, pool);
        return error ? error : unknown(digest, pool);
    }
    if ((error = oci_pending_cancel(changes, registry, name, pool))
        || (error = oci_tag_delete_all(changes, registry, name, digest,
                                       pool))) {
        return error;
    }
    error = oci_manifest_get(&manifest, registry, name, digest, pool);
    if (error && error->code != OCI_E_MANIFEST_UNKNOWN) {
        return error;
    }
    if (!error && !oci_document_parse(&document, manifest.media_type,
                                      manifest.data, manifest.size, pool)
        && document->subject) {
        oci_referrer_delete(changes, name, document->subject->digest, digest,
                            pool);
    }
    oci_change_delete(changes, key);
    error = oci_facts_apply(registry, changes, registry->durable, pool);
    return error ? error : oci_repository_leave(registry, name, pool);
}

static oci_error_t *delete_tag(const oci_registry_t *registry,
                               const char *name, const char *tag,
                               const oci_condition_t *condition,
                               apr_pool_t *pool)
{
    apr_array_header_t *changes = oci_changes_make(pool);
    const char *digest;
    oci_error_t *error = oci_tag_get(&digest, registry, name, tag, pool);

    if (error) {
        return error;
    }
    if (!digest) {
        return unknown(tag, pool);
    }
    if ((error = check_condition(condition, registry, name, tag, pool))) {
        return error;
    }
    oci_tag_delete(changes, name, tag, digest, pool);
    return oci_facts_apply(registry, changes, registry->durable, pool);
}

oci_error_t *oci_manifest_delete(const oci_registry_t *registry,
                                 const char *name, const char *reference,
                                 const oci_condition_t *condition,
                                 apr_pool_t *pool)
{
    apr_array_header_t *tags;
    oci_lock_t *repository, *tag;
    oci_error_t *error;

    if (oci_digest_valid(reference)) {
        error = oci_repository_lock(&repository, registry, name,
                                    OCI_LOCK_EXCLUSIVE, pool);
        if (error) {
            return error;
        }
        error = check_condition(condition, registry, name, reference, pool);
        if (!error) {
            error = delete_digest(registry, name, reference, pool);
        }
        oci_repository_unlock(registry, repository);
        return error;
    }
    tags = apr_array_make(pool, 1, sizeof(const char *));
    APR_ARRAY_PUSH(tags, const char *) = reference;
    error = lock_tags(&repository, &tag, registry, name, tags, pool);
    if (error) {
        return error;
    }
    error = delete_tag(registry, name, reference, condition, pool);
    oci_repository_unlock(registry, tag);
    oci_repository_unlock(registry, repository);
    return error;
}
