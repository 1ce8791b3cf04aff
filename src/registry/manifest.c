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
    if (oci_digest_valid(reference)) {
        *digest = reference;
        return NULL;
    }
    return oci_tag_get(digest, repository, reference, pool);
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
    *digest = follow.value.data;
    *value = follow.target;
    return error;
}

oci_error_t *oci_manifest_get(oci_manifest_t *manifest,
                              const oci_repository_t *repository,
                              const char *reference, apr_pool_t *pool)
{
    const char *digest;
    const char *end;
    oci_value_t value;
    oci_error_t *error = read_fact(&digest, &value, repository, reference,
                                   pool);

    if (error) {
        return error;
    }
    if (!value.data) {
        return oci_manifest_unknown(reference, pool);
    }
    end = memchr(value.data, '\n', value.size);
    if (end) {
        manifest->digest = digest;
        manifest->media_type = apr_pstrmemdup(pool, value.data,
                                              end - value.data);
        manifest->data = end + 1;
        manifest->size = value.data + value.size - (end + 1);
    }
    if (!end
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
