/* SPDX-License-Identifier: Apache-2.0 */

/* Builds the keys of a registry's facts; keys.h lists all of them. */

#include <string.h>

#include "apr_strings.h"

#include "mod_oci.h"
#include "registry/keys.h"
#include "registry/random.h"
#include "values/digest.h"

const char *oci_key_manifest(apr_pool_t *pool, const char *name,
                             const char *digest)
{
    return apr_pstrcat(pool, "repo/", name, "/_manifest/", digest, NULL);
}

const char *oci_key_tag(apr_pool_t *pool, const char *name, const char *tag)
{
    return apr_pstrcat(pool, "repo/", name, "/_tag/", tag, NULL);
}

const char *oci_key_tagged(apr_pool_t *pool, const char *name,
                           const char *digest, const char *tag)
{
    return apr_pstrcat(pool, "repo/", name, "/_tagged/", digest, "/", tag,
                       NULL);
}

const char *oci_key_held(apr_pool_t *pool, const char *name, const char *digest)
{
    return apr_pstrcat(pool, "repo/", name, "/_blob/", digest, NULL);
}

const char *oci_key_referrer(apr_pool_t *pool, const char *name,
                             const char *subject, const char *digest)
{
    return apr_pstrcat(pool, "repo/", name, "/_referrer/", subject, "/", digest,
                       NULL);
}

const char *oci_key_untagged(apr_pool_t *pool, const char *name,
                             const char *digest)
{
    return apr_pstrcat(pool, "repo/", name, "/_untagged/", digest, NULL);
}

const char *oci_key_pulled(apr_pool_t *pool, const char *name,
                           const char *digest)
{
    return apr_pstrcat(pool, "repo/", name, "/_pulled/", digest, NULL);
}

const char *oci_key_pending(apr_pool_t *pool, const char *name,
                            const char *token)
{
    return apr_pstrcat(pool, "repo/", name, "/_pending/", token, NULL);
}

const char *oci_key_blob(apr_pool_t *pool, const char *digest)
{
    return apr_pstrcat(pool, "blob/", digest, NULL);
}

const char *oci_key_holders(apr_pool_t *pool, const char *digest)
{
    return digest ? apr_psprintf(pool, "holder/%.2s/", strchr(digest, ':') + 1)
                  : "holder/";
}

const char *oci_key_holder(apr_pool_t *pool, const char *digest,
                           const char *name)
{
    const char *hash = strchr(oci_digest_of(OCI_SHA256, name, strlen(name),
                                            pool),
                              ':')
        + 1;

    return apr_psprintf(pool, "%s%s,%.32s", oci_key_holders(pool, digest),
                        digest, hash);
}

const char *oci_key_catalog(apr_pool_t *pool, const char *name)
{
    return apr_pstrcat(pool, "catalog/", name, name ? "!" : NULL, NULL);
}

const char *oci_key_upload(apr_pool_t *pool, const char *id)
{
    return apr_psprintf(pool, "upload/%" APR_INT64_T_FMT "/%s",
                        oci_stamp_seconds(id) / 86400, id);
}

const char *oci_key_secret(void)
{
    return "secret";
}

const char *oci_key_copy(void)
{
    return "copy";
}

const char *oci_key_store(void)
{
    return "store";
}

const char *oci_key_index(void)
{
    return "index";
}

const char *oci_key_copy_of(void)
{
    return "copy-of";
}

const char *oci_key_review(apr_pool_t *pool, const char *name)
{
    return apr_pstrcat(pool, "review/", name, name ? "!" : NULL, NULL);
}

const char *oci_key_orphan(apr_pool_t *pool, const char *digest)
{
    return apr_pstrcat(pool, "orphan/", digest, NULL);
}

const char *oci_key_stray(apr_pool_t *pool, const char *hash)
{
    return apr_pstrcat(pool, "stray/", hash, NULL);
}

const char *oci_key_moved(apr_pool_t *pool, const char *digest)
{
    return apr_pstrcat(pool, "moved/", digest, NULL);
}

const char *oci_key_moving(void)
{
    return "moving";
}

const char *oci_key_gc(void)
{
    return "gc";
}

int oci_key_is_small(const char *key)
{
    if (!strncmp(key, "repo/", 5)) {
        return !strstr(key, "/_manifest/") && !strstr(key, "/_referrer/");
    }
    return !strncmp(key, "blob/", 5) || !strncmp(key, "catalog/", 8)
        || !strncmp(key, "holder/", 7) || !strncmp(key, "review/", 7)
        || !strncmp(key, "orphan/", 7) || !strncmp(key, "stray/", 6)
        || !strncmp(key, "moved/", 6);
}

const char *oci_key_suffix(apr_pool_t *pool, const char *key,
                           const char *prefix)
{
    const char *rest = key + strlen(prefix);
    apr_size_t length = strlen(rest);

    return length && rest[length - 1] == '!'
        ? apr_pstrmemdup(pool, rest, length - 1)
        : rest;
}

apr_array_header_t *oci_key_suffixes(const apr_array_header_t *entries,
                                     const char *prefix, apr_pool_t *pool)
{
    apr_array_header_t *rests = apr_array_make(pool, entries->nelts,
                                               sizeof(const char *));
    int i;

    for (i = 0; i < entries->nelts; i++) {
        APR_ARRAY_PUSH(rests,
                       const char *) = oci_key_suffix(pool,
                                                      APR_ARRAY_IDX(entries, i,
                                                                    oci_entry_t)
                                                          .key,
                                                      prefix);
    }
    return rests;
}
