/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file manifest_delete.h
 * @brief Deletes manifests and tags
 */

#ifndef OCI_MANIFEST_DELETE_H
#define OCI_MANIFEST_DELETE_H

#include "registry/condition.h"
#include "registry/registry.h"

/** A deletion that a client requests. */
typedef struct oci_deletion_t {
    const char *reference;     /* a valid tag or digest */
    oci_condition_t condition; /* to be met by the digest that it names */
    int immutable;             /* reference is a tag that must not be deleted */

    /**
     * Check whether a tag may be deleted with the digest that it names.  It is
     * called without locks, before anything is deleted.
     * @return NULL if so; an error that ends the deletion
     */
    oci_error_t *(*may_delete)(void *baton, const char *tag);
    void *baton; /* for may_delete, which is NULL if all tags may be deleted */
} oci_deletion_t;

/**
 * Delete a tag, or a manifest with all its tags (distribution-spec,
 * "Deleting Manifests").
 *
 *     no lock           which tags name the digest?  may each be deleted?
 *     exclusive lock    do other tags name it now?
 *                         yes: nothing is deleted; ask again
 *                         no:  delete the tags and the manifest
 *
 * @param pool For temporary data
 * @return OCI_E_MANIFEST_UNKNOWN; OCI_E_MANIFEST_CHANGED if the condition is
 *         not met; OCI_E_TAG_IMMUTABLE; OCI_E_UNAVAILABLE if further tags name
 *         the digest again and again; an error of may_delete; a storage error
 */
oci_error_t *oci_manifest_delete(const oci_repository_t *repository,
                                 const oci_deletion_t *deletion,
                                 apr_pool_t *pool);

/**
 * Add the changes that delete a manifest with its tags, and its entry in the
 * list of referrers.  The caller holds the repository's exclusive lock, and has
 * cancelled the pushes that are pending there (pending.h).
 * @param changes The list to add to
 * @param digest Of a manifest that exists
 * @param pool For the changes and temporary data
 * @return A storage error
 */
oci_error_t *oci_manifest_add_removal(apr_array_header_t *changes,
                                      const oci_repository_t *repository,
                                      const char *digest, apr_pool_t *pool);

#endif /* OCI_MANIFEST_DELETE_H */
