/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file repository.h
 * @brief Repositories: which there are, and who may change one at a time
 */

#ifndef OCI_REPOSITORY_H
#define OCI_REPOSITORY_H

#include "registry/registry.h"

/**
 * Whether a repository is in the catalog, which it is while it holds a blob
 * or a manifest.
 * @return OCI_E_INTERNAL
 */
oci_error_t *oci_repository_exists(int *exists,
                                   const oci_repository_t *repository,
                                   apr_pool_t *pool);

/**
 * A page of the catalog (Docker Registry HTTP API V2, "Listing
 * Repositories").
 * @param names Set to an array of const char *, in bytewise order
 * @param after Names greater than this one, or NULL
 * @param limit At most so many, 0 for all
 * @return OCI_E_INTERNAL
 */
oci_error_t *oci_repository_list(apr_array_header_t **names,
                                 const oci_registry_t *registry,
                                 const char *after, int limit,
                                 apr_pool_t *pool);

/**
 * Lock a repository for a short check-and-write: shared by all who add to
 * it, exclusive for who takes from it.
 * @return OCI_E_INTERNAL
 */
oci_error_t *oci_repository_lock(oci_lock_t **lock,
                                 const oci_repository_t *repository,
                                 oci_lock_e kind, apr_pool_t *pool);

/**
 * Lock one tag, under the repository's shared lock.
 * @return OCI_E_INTERNAL
 */
oci_error_t *oci_repository_lock_tag(oci_lock_t **lock,
                                     const oci_repository_t *repository,
                                     const char *tag, apr_pool_t *pool);

/** Give a lock back, NULL for none. */
void oci_repository_unlock(const oci_repository_t *repository,
                           oci_lock_t *lock);

/** Add to changes what puts a repository into the catalog. */
void oci_repository_enter(apr_array_header_t *changes, const char *name,
                          apr_pool_t *pool);

/**
 * Take a repository out of the catalog if it is there and holds nothing any
 * more, under its exclusive lock.  A deletion that finds nothing to delete
 * does so, too: the one before may have been cut short right here.
 * @return OCI_E_INTERNAL
 */
oci_error_t *oci_repository_leave(const oci_repository_t *repository,
                                  apr_pool_t *pool);

#endif /* OCI_REPOSITORY_H */
