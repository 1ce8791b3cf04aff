/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file repository.h
 * @brief Repositories: the catalog, and the locks for changes to a repository
 */

#ifndef OCI_REPOSITORY_H
#define OCI_REPOSITORY_H

#include "registry/registry.h"

/**
 * Check whether a repository is in the catalog.  It is as long as it holds a
 * blob or a manifest.
 * @param exists Set to 1 or 0
 * @param pool For temporary data
 * @return A storage error (error.h)
 */
oci_error_t *oci_repository_exists(int *exists,
                                   const oci_repository_t *repository,
                                   apr_pool_t *pool);

/**
 * List a page of the catalog (Docker Registry HTTP API V2, "Listing
 * Repositories").
 * @param names Set to an array of const char *, in bytewise order
 * @param after List only names greater than this one, or NULL for all
 * @param limit The maximum number of names, 0 for all
 * @param pool For the result and temporary data
 * @return A storage error
 */
oci_error_t *oci_repository_list(apr_array_header_t **names,
                                 const oci_registry_t *registry,
                                 const char *after, int limit,
                                 apr_pool_t *pool);

/**
 * Lock a repository for a short check and write.  A caller that adds content
 * takes a shared lock, and one that removes content an exclusive lock.
 * @param lock Set to the lock
 * @param pool The lock ends with this pool at the latest
 * @return A storage error
 */
oci_error_t *oci_repository_lock(oci_lock_t **lock,
                                 const oci_repository_t *repository,
                                 oci_lock_e kind, apr_pool_t *pool);

/** The locks of a change to tags. */
typedef struct oci_tag_locks_t {
    oci_lock_t *repository;
    oci_lock_t *tag; /* or NULL */
} oci_tag_locks_t;

/**
 * Lock the tags that a request sets or deletes.  A single tag is locked under
 * the repository's shared lock.  For several tags the whole repository is
 * locked exclusively, so that two requests cannot wait for each other's tags.
 * @param locks Set to the locks, to be released with
 *        oci_repository_unlock_tags
 * @param tags An array of const char *; may be empty
 * @param pool The locks end with this pool at the latest
 * @return A storage error
 */
oci_error_t *oci_repository_lock_tags(oci_tag_locks_t *locks,
                                      const oci_repository_t *repository,
                                      const apr_array_header_t *tags,
                                      apr_pool_t *pool);

/** Release the locks of oci_repository_lock_tags. */
void oci_repository_unlock_tags(const oci_repository_t *repository,
                                const oci_tag_locks_t *locks);

/** Release a lock.  NULL does nothing. */
void oci_repository_unlock(const oci_repository_t *repository,
                           oci_lock_t *lock);

/** Add a change that puts a repository into the catalog; allocates in pool. */
void oci_repository_register(apr_array_header_t *changes, const char *name,
                             apr_pool_t *pool);

/** Add a change after which garbage collection reviews a repository; allocates
 * in pool. */
void oci_repository_queue_review(apr_array_header_t *changes, const char *name,
                                 apr_pool_t *pool);

/**
 * Remove a repository from the catalog if it is listed there and holds neither
 * a blob nor a manifest.  The caller holds the repository's exclusive lock.
 * Every deletion calls this, even one that finds nothing to delete: an earlier
 * deletion may have been killed before this step.
 * @param pool For temporary data
 * @return A storage error
 */
oci_error_t *oci_repository_unregister_if_empty(
    const oci_repository_t *repository, apr_pool_t *pool);

#endif /* OCI_REPOSITORY_H */
