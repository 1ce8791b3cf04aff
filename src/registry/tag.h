/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file tag.h
 * @brief Tags: the digest that each one names, and the tags of a digest
 */

#ifndef OCI_TAG_H
#define OCI_TAG_H

#include "registry/registry.h"

/**
 * Find the digest that a tag names.
 * @param digest Set to it, or to NULL if there is no such tag
 * @param tag A valid tag
 * @param pool For the result and temporary data
 * @return A storage error (error.h)
 */
oci_error_t *oci_tag_get(const char **digest,
                         const oci_repository_t *repository, const char *tag,
                         apr_pool_t *pool);

/**
 * List a page of tags (distribution-spec, "Listing Tags").
 * @param tags Set to an array of const char *, in bytewise order
 * @param after List only tags greater than this one, or NULL for all
 * @param limit The maximum number of tags, 0 for all
 * @param pool For the result and temporary data
 * @return OCI_E_NAME_UNKNOWN if there is no such repository; a storage error
 */
oci_error_t *oci_tag_list(apr_array_header_t **tags,
                          const oci_repository_t *repository, const char *after,
                          int limit, apr_pool_t *pool);

/* The following functions only add to a list of changes.  Their caller,
 * manifest_change.c, holds the necessary locks. */

/**
 * Add changes that set a tag.
 * @param changes The list to add to
 * @param tag A valid tag; it may exist
 * @param digest The digest of the manifest that it will name; not copied
 * @param pool For the changes and temporary data
 * @return A storage error
 */
oci_error_t *oci_tag_put(apr_array_header_t *changes,
                         const oci_repository_t *repository, const char *tag,
                         const char *digest, apr_pool_t *pool);

/**
 * Add changes that delete a tag.
 * @param changes The list to add to
 * @param name The repository's name
 * @param tag The tag
 * @param digest The digest that the tag names
 * @param pool For the changes
 */
void oci_tag_delete(apr_array_header_t *changes, const char *name,
                    const char *tag, const char *digest, apr_pool_t *pool);

/**
 * Add changes that delete all tags of a digest.
 * @param changes The list to add to
 * @param digest The digest that the tags name
 * @param pool For the changes and temporary data
 * @return A storage error
 */
oci_error_t *oci_tag_delete_all(apr_array_header_t *changes,
                                const oci_repository_t *repository,
                                const char *digest, apr_pool_t *pool);

#endif /* OCI_TAG_H */
