/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file tag.h
 * @brief Tags: which digest each names, and back
 */

#ifndef OCI_TAG_H
#define OCI_TAG_H

#include "registry/registry.h"

/**
 * What a tag names.
 * @param digest Set to it, or NULL where there is no such tag
 * @return OCI_E_INTERNAL
 */
oci_error_t *oci_tag_get(const char **digest,
                         const oci_repository_t *repository, const char *tag,
                         apr_pool_t *pool);

/**
 * A page of tags (distribution-spec, "Listing Tags").
 * @param tags Set to an array of const char *, in bytewise order
 * @param after Tags greater than this one, or NULL
 * @param limit At most so many, 0 for all
 * @return OCI_E_NAME_UNKNOWN, OCI_E_INTERNAL
 */
oci_error_t *oci_tag_list(apr_array_header_t **tags,
                          const oci_repository_t *repository, const char *after,
                          int limit, apr_pool_t *pool);

/* What follows adds to a list of changes, under the locks that manifest.c
 * takes. */

/**
 * Set a tag.
 * @return OCI_E_INTERNAL
 */
oci_error_t *oci_tag_put(apr_array_header_t *changes,
                         const oci_repository_t *repository, const char *tag,
                         const char *digest, apr_pool_t *pool);

/** Delete a tag that names digest. */
void oci_tag_delete(apr_array_header_t *changes, const char *name,
                    const char *tag, const char *digest, apr_pool_t *pool);

/**
 * Delete all tags that name digest.
 * @return OCI_E_INTERNAL
 */
oci_error_t *oci_tag_delete_all(apr_array_header_t *changes,
                                const oci_repository_t *repository,
                                const char *digest, apr_pool_t *pool);

#endif /* OCI_TAG_H */
