/* SPDX-License-Identifier: Apache-2.0 */

/* Tags: the digest that each one names, and the tags of a digest. */

#include <string.h>

#include "apr_strings.h"

#include "registry/keys.h"
#include "registry/repository.h"
#include "registry/tag.h"

const char *oci_tag_digest(const oci_value_t *value, apr_pool_t *pool)
{
    const char *end = value->data ? memchr(value->data, ';', value->size)
                                  : NULL;

    return end ? apr_pstrmemdup(pool, value->data, end - value->data)
               : value->data;
}

void oci_tag_parse(oci_tag_t *found, const oci_value_t *value, apr_pool_t *pool)
{
    apr_size_t length;

    memset(found, 0, sizeof(*found));
    if (!value->data) {
        return;
    }
    found->digest = oci_tag_digest(value, pool);
    length = strlen(found->digest);
    oci_origin_parse(&found->origin, value->data + length, value->size - length,
                     ';', pool);
}

/* Read a tag, and the value of its fact. */
static oci_error_t *read_tag(oci_tag_t *found, oci_value_t *value,
                             const oci_repository_t *repository,
                             const char *tag, apr_pool_t *pool)
{
    oci_error_t *error = oci_fact_get(value, repository->registry,
                                      oci_key_tag(pool, repository->name, tag),
                                      pool);

    if (error) {
        memset(found, 0, sizeof(*found));
        return error;
    }
    oci_tag_parse(found, value, pool);
    return NULL;
}

oci_error_t *oci_tag_get(oci_tag_t *found, const oci_repository_t *repository,
                         const char *tag, apr_pool_t *pool)
{
    oci_value_t value;

    return read_tag(found, &value, repository, tag, pool);
}

oci_error_t *oci_tag_list(apr_array_header_t **tags,
                          const oci_repository_t *repository, const char *after,
                          int limit, apr_pool_t *pool)
{
    oci_scan_t scan = { oci_key_tag(pool, repository->name, NULL), after, limit,
                        0, 0 };
    apr_array_header_t *entries;
    oci_error_t *error = oci_facts_scan(&entries, repository->registry, &scan,
                                        pool);
    int exists = 1;

    if (!error && !entries->nelts) {
        error = oci_repository_exists(&exists, repository, pool);
    }
    if (error) {
        return error;
    }
    if (!exists) {
        return oci_error_make(pool, OCI_E_NAME_UNKNOWN, "name",
                              repository->name, "there is no such repository");
    }
    *tags = oci_key_suffixes(entries, scan.prefix, pool);
    return NULL;
}

oci_error_t *oci_tag_put(apr_array_header_t *changes,
                         const oci_repository_t *repository, const char *tag,
                         const oci_tag_t *pushed, apr_pool_t *pool)
{
    oci_tag_t old;
    oci_value_t value;
    oci_error_t *error = read_tag(&old, &value, repository, tag, pool);
    int moves;

    if (error) {
        return error;
    }
    moves = old.digest && strcmp(old.digest, pushed->digest);
    if (!old.digest || moves
        || !oci_origin_is_same(&old.origin, &pushed->origin)) {
        value.data = apr_pstrcat(pool, pushed->digest,
                                 oci_origin_format(&pushed->origin, ';', pool),
                                 NULL);
        value.size = strlen(value.data);
    }
    if (!old.digest || moves) {
        oci_repository_queue_review(changes, repository->name, pool);
    }
    oci_change_put(changes, OCI_CHANGE_PUT,
                   oci_key_tagged(pool, repository->name, pushed->digest, tag),
                   NULL, 0);
    oci_change_put(changes, OCI_CHANGE_PUT,
                   oci_key_tag(pool, repository->name, tag), value.data,
                   value.size);
    if (moves) {
        oci_change_delete(changes,
                          oci_key_tagged(pool, repository->name, old.digest,
                                         tag));
    }
    return NULL;
}

void oci_tag_delete(apr_array_header_t *changes, const char *name,
                    const char *tag, const char *digest, apr_pool_t *pool)
{
    oci_change_delete(changes, oci_key_tag(pool, name, tag));
    oci_change_delete(changes, oci_key_tagged(pool, name, digest, tag));
}

/* Pick the tags that still name a digest.
 * entries: those of _tagged */
static oci_error_t *pick_naming(apr_array_header_t **tags,
                                const apr_array_header_t *entries,
                                const oci_repository_t *repository,
                                const char *digest, apr_pool_t *pool)
{
    const char *prefix = oci_key_tagged(pool, repository->name, digest, NULL);
    oci_error_t *error = NULL;
    int i;

    *tags = apr_array_make(pool, 4, sizeof(const char *));
    for (i = 0; !error && i < entries->nelts; i++) {
        const char *key = APR_ARRAY_IDX(entries, i, oci_entry_t).key;
        const char *tag = oci_key_suffix(pool, key, prefix);
        oci_tag_t current;

        error = oci_tag_get(&current, repository, tag, pool);
        if (!error && current.digest && !strcmp(current.digest, digest)) {
            APR_ARRAY_PUSH(*tags, const char *) = tag;
        }
    }
    return error;
}

/* Read which tags name a digest.
 * *entries: set to the list of its tags, oci_entry_t, which may also have some
 * that have moved since */
static oci_error_t *read_tags_of_digest(apr_array_header_t **tags,
                                        apr_array_header_t **entries,
                                        const oci_repository_t *repository,
                                        const char *digest, apr_pool_t *pool)
{
    oci_scan_t scan = { oci_key_tagged(pool, repository->name, digest, NULL),
                        NULL, 0, 0, 0 };
    oci_error_t *error = oci_facts_scan(entries, repository->registry, &scan,
                                        pool);

    return error ? error
                 : pick_naming(tags, *entries, repository, digest, pool);
}

oci_error_t *oci_tag_list_naming(apr_array_header_t **tags,
                                 const oci_repository_t *repository,
                                 const char *digest, apr_pool_t *pool)
{
    apr_array_header_t *entries;

    return read_tags_of_digest(tags, &entries, repository, digest, pool);
}

oci_error_t *oci_tag_list_some_naming(apr_array_header_t **tags, int *more,
                                      const oci_repository_t *repository,
                                      const char *digest, apr_pool_t *pool)
{
    oci_scan_t scan = { oci_key_tagged(pool, repository->name, digest, NULL),
                        NULL, OCI_TAGS_NAMING_MAX + 1, 0, 0 };
    apr_array_header_t *entries;
    oci_error_t *error = oci_facts_scan(&entries, repository->registry, &scan,
                                        pool);

    if (error) {
        return error;
    }
    *more = entries->nelts > OCI_TAGS_NAMING_MAX;
    entries->nelts -= *more;
    return pick_naming(tags, entries, repository, digest, pool);
}

oci_error_t *oci_tag_delete_all(apr_array_header_t **tags,
                                apr_array_header_t *changes,
                                const oci_repository_t *repository,
                                const char *digest, apr_pool_t *pool)
{
    apr_array_header_t *entries;
    oci_error_t *error = read_tags_of_digest(tags, &entries, repository, digest,
                                             pool);
    int i;

    for (i = 0; !error && i < (*tags)->nelts; i++) {
        oci_change_delete(changes,
                          oci_key_tag(pool, repository->name,
                                      APR_ARRAY_IDX(*tags, i, const char *)));
    }
    for (i = 0; !error && i < entries->nelts; i++) {
        oci_change_delete(changes, APR_ARRAY_IDX(entries, i, oci_entry_t).key);
    }
    return error;
}

oci_error_t *oci_tag_refuse_deletion(const char *tag, apr_pool_t *pool)
{
    return oci_error_make(pool, OCI_E_TAG_IMMUTABLE, "tag", tag,
                          "%s%s is immutable and cannot be deleted",
                          tag ? "the tag " : "a tag of this manifest",
                          tag ? tag : "");
}
