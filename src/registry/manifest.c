/* SPDX-License-Identifier: Apache-2.0 */

/* Reads manifests by digest or by tag. */

#include <string.h>

#include "apr_strings.h"

#include "registry/keys.h"
#include "registry/manifest.h"
#include "registry/tag.h"
#include "values/digest.h"

oci_error_t *oci_manifest_unknown(const char *reference, apr_pool_t *pool)
{
    return oci_error_make(pool, OCI_E_MANIFEST_UNKNOWN, "reference", reference,
                          "the repository has no such manifest");
}

oci_error_t *oci_manifest_resolve(const char **digest,
                                  const oci_repository_t *repository,
                                  const char *reference, apr_pool_t *pool)
{
    oci_tag_t tag;
    oci_error_t *error;

    if (oci_digest_valid(reference)) {
        *digest = reference;
        return NULL;
    }
    error = oci_tag_get(&tag, repository, reference, pool);
    *digest = error ? NULL : tag.digest;
    return error;
}

oci_value_t oci_manifest_format(const oci_manifest_t *manifest,
                                apr_pool_t *pool)
{
    const char *head = apr_pstrcat(pool, manifest->media_type,
                                   oci_origin_format(&manifest->origin, '\t',
                                                     pool),
                                   "\n", NULL);
    apr_size_t length = strlen(head);
    char *data = apr_palloc(pool, length + manifest->size);
    oci_value_t value = { data, length + manifest->size };

    memcpy(data, head, length);
    memcpy(data + length, manifest->data, manifest->size);
    return value;
}

int oci_manifest_parse(oci_manifest_t *manifest, const oci_value_t *value,
                       apr_pool_t *pool)
{
    const char *end = value->data ? memchr(value->data, '\n', value->size)
                                  : NULL;
    const char *tab;

    if (!end) {
        return 0;
    }
    tab = memchr(value->data, '\t', end - value->data);
    tab = tab ? tab : end;
    manifest->media_type = apr_pstrmemdup(pool, value->data, tab - value->data);
    oci_origin_parse(&manifest->origin, tab, end - tab, '\t', pool);
    manifest->data = end + 1;
    manifest->size = value->data + value->size - (end + 1);
    return 1;
}

/* Read the fact of a manifest.
 * *digest: set to the manifest's digest; NULL for an unknown tag
 * *value: its data is NULL if there is no such manifest */
static oci_error_t *read_fact(const char **digest, oci_value_t *value,
                              const oci_repository_t *repository,
                              const char *reference, apr_pool_t *pool)
{
    oci_follow_t follow = { 0 };
    oci_error_t *error;

    if (oci_digest_valid(reference)) {
        *digest = reference;
        return oci_fact_get(value, repository->registry,
                            oci_key_manifest(pool, repository->name, reference),
                            pool);
    }
    follow.key = oci_key_tag(pool, repository->name, reference);
    follow.prefix = oci_key_manifest(pool, repository->name, NULL);
    error = oci_fact_follow(&follow, repository->registry, pool);
    *digest = error ? NULL : oci_tag_digest(&follow.value, pool);
    *value = follow.target;
    return error;
}

oci_error_t *oci_manifest_get(oci_manifest_t *manifest,
                              const oci_repository_t *repository,
                              const char *reference, apr_pool_t *pool)
{
    const char *digest;
    oci_value_t value;
    oci_error_t *error = read_fact(&digest, &value, repository, reference,
                                   pool);

    if (error) {
        return error;
    }
    if (!value.data) {
        return oci_manifest_unknown(reference, pool);
    }
    manifest->digest = digest;
    if (!oci_manifest_parse(manifest, &value, pool)
        || strcmp(digest,
                  oci_digest_of(oci_digest_algorithm(digest), manifest->data,
                                manifest->size, pool))) {
        error = oci_manifest_unknown(reference, pool);
        error->note = apr_psprintf(pool,
                                   "%s/%s is damaged; it is a manifest of "
                                   "%s; " OCI_PUSH_AGAIN,
                                   repository->registry->index->where,
                                   oci_key_manifest(pool, repository->name,
                                                    digest),
                                   repository->name);
    }
    return error;
}

oci_error_t *oci_manifest_add_release(apr_array_header_t *changes,
                                      const oci_repository_t *repository,
                                      const char *digest, apr_pool_t *pool)
{
    const char *key = oci_key_untagged(pool, repository->name, digest);
    int marked;
    oci_error_t *error = oci_fact_exists(&marked, repository->registry, key,
                                         pool);

    if (!error && marked) {
        oci_change_delete(changes, apr_pstrdup(changes->pool, key));
    }
    return error;
}
