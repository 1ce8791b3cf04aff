/* SPDX-License-Identifier: Apache-2.0 */

/* Tags: the digest that each one names, and the tags of a digest. */

#include <string.h>

#include "registry/keys.h"
#include "registry/repository.h"
#include "registry/tag.h"

oci_error_t *oci_tag_get(const char **digest,
                         const oci_repository_t *repository, const char *tag,
                         apr_pool_t *pool)
{
    oci_value_t value;
    oci_error_t *error = oci_fact_get(&value, repository->registry,
                                      oci_key_tag(pool, repository->name, tag),
                                      pool);

    *digest = value.data;
    return error;
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
                         const char *digest, apr_pool_t *pool)
{
    const char *old;
    oci_error_t *error = oci_tag_get(&old, repository, tag, pool);

    if (error) {
        return error;
    }
    oci_change_put(changes, OCI_CHANGE_PUT,
                   oci_key_tagged(pool, repository->name, digest, tag), NULL,
                   0);
    oci_change_put(changes, OCI_CHANGE_PUT,
                   oci_key_tag(pool, repository->name, tag), digest,
                   strlen(digest));
    if (old && strcmp(old, digest)) {
        oci_change_delete(changes,
                          oci_key_tagged(pool, repository->name, old, tag));
    }
    return NULL;
}

void oci_tag_delete(apr_array_header_t *changes, const char *name,
                    const char *tag, const char *digest, apr_pool_t *pool)
{
    oci_change_delete(changes, oci_key_tag(pool, name, tag));
    oci_change_delete(changes, oci_key_tagged(pool, name, digest, tag));
}

oci_error_t *oci_tag_delete_all(apr_array_header_t *changes,
                                const oci_repository_t *repository,
                                const char *digest, apr_pool_t *pool)
{
    oci_scan_t scan = { oci_key_tagged(pool, repository->name, digest, NULL),
                        NULL, 0, 0, 0 };
    apr_array_header_t *entries;
    oci_error_t *error = oci_facts_scan(&entries, repository->registry, &scan,
                                        pool);
    int i;

    for (i = 0; !error && i < entries->nelts; i++) {
        const char *key = APR_ARRAY_IDX(entries, i, oci_entry_t).key;
        const char *tag = oci_key_suffix(pool, key, scan.prefix);
        const char *current;

        error = oci_tag_get(&current, repository, tag, pool);
        if (!error && current && !strcmp(current, digest)) {
            oci_change_delete(changes,
                              oci_key_tag(pool, repository->name, tag));
        }
        oci_change_delete(changes, key);
    }
    return error;
}
