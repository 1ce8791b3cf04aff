/* SPDX-License-Identifier: Apache-2.0 */

/* Repositories: the catalog, and the locks for changes to a repository. */

#include "apr_strings.h"

#include "registry/keys.h"
#include "registry/repository.h"

oci_error_t *oci_repository_exists(int *exists,
                                   const oci_repository_t *repository,
                                   apr_pool_t *pool)
{
    return oci_fact_exists(exists, repository->registry,
                           oci_key_catalog(pool, repository->name), pool);
}

oci_error_t *oci_repository_list(apr_array_header_t **names,
                                 const oci_registry_t *registry,
                                 const char *after, int limit, apr_pool_t *pool)
{
    oci_scan_t scan = { oci_key_catalog(pool, NULL), NULL, limit, 0, 0 };
    apr_array_header_t *entries;
    oci_error_t *error;

    if (after) {
        scan.after = apr_pstrcat(pool, after, "!", NULL);
    }
    if ((error = oci_facts_scan(&entries, registry, &scan, pool))) {
        return error;
    }
    *names = oci_key_suffixes(entries, scan.prefix, pool);
    return NULL;
}

oci_error_t *oci_repository_lock(oci_lock_t **lock,
                                 const oci_repository_t *repository,
                                 oci_lock_e kind, apr_pool_t *pool)
{
    return oci_registry_lock(lock, repository->registry,
                             apr_pstrcat(pool, "repo/", repository->name, NULL),
                             kind, pool);
}

static oci_error_t *lock_tag(oci_lock_t **lock,
                             const oci_repository_t *repository,
                             const char *tag, apr_pool_t *pool)
{
    return oci_registry_lock(lock, repository->registry,
                             oci_key_tag(pool, repository->name, tag),
                             OCI_LOCK_EXCLUSIVE, pool);
}

oci_error_t *oci_repository_lock_tags(oci_tag_locks_t *locks,
                                      const oci_repository_t *repository,
                                      const apr_array_header_t *tags,
                                      apr_pool_t *pool)
{
    oci_error_t *error;

    locks->tag = NULL;
    error = oci_repository_lock(&locks->repository, repository,
                                tags->nelts > 1 ? OCI_LOCK_EXCLUSIVE
                                                : OCI_LOCK_SHARED,
                                pool);
    if (!error && tags->nelts == 1) {
        error = lock_tag(&locks->tag, repository,
                         APR_ARRAY_IDX(tags, 0, const char *), pool);
        if (error) {
            oci_repository_unlock(repository, locks->repository);
        }
    }
    return error;
}

void oci_repository_unlock_tags(const oci_repository_t *repository,
                                const oci_tag_locks_t *locks)
{
    oci_repository_unlock(repository, locks->tag);
    oci_repository_unlock(repository, locks->repository);
}

void oci_repository_unlock(const oci_repository_t *repository, oci_lock_t *lock)
{
    oci_registry_unlock(repository->registry, lock);
}

void oci_repository_register(apr_array_header_t *changes, const char *name,
                             apr_pool_t *pool)
{
    oci_change_put(changes, OCI_CHANGE_PUT, oci_key_catalog(pool, name), NULL,
                   0);
}

void oci_repository_queue_review(apr_array_header_t *changes, const char *name,
                                 apr_pool_t *pool)
{
    oci_change_put(changes, OCI_CHANGE_PUT, oci_key_review(pool, name), NULL,
                   0);
}

oci_error_t *oci_repository_unregister_if_empty(
    const oci_repository_t *repository, apr_pool_t *pool)
{
    const char *prefixes[2];
    oci_error_t *error;
    int exists, i;

    error = oci_repository_exists(&exists, repository, pool);
    if (error || !exists) {
        return error;
    }
    prefixes[0] = oci_key_manifest(pool, repository->name, NULL);
    prefixes[1] = oci_key_held(pool, repository->name, NULL);
    for (i = 0; i < 2; i++) {
        oci_scan_t scan = { prefixes[i], NULL, 1, 0, 1 };
        apr_array_header_t *entries;

        error = oci_facts_scan(&entries, repository->registry, &scan, pool);
        if (error || entries->nelts) {
            return error;
        }
    }
    return oci_fact_delete(repository->registry,
                           oci_key_catalog(pool, repository->name),
                           repository->registry->durable, pool);
}
