/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file tag.h
 * @brief Tags: the digest that each one names, and the tags of a digest
 */

#ifndef OCI_TAG_H
#define OCI_TAG_H

#include "registry/registry.h"
#include "values/origin.h"

/** What a tag says. */
typedef struct oci_tag_t {
    const char *digest;  /* that it names; NULL: there is no such tag */
    oci_origin_t origin; /* when and by whom the tag was pushed */
} oci_tag_t;

/**
 * Read a tag.
 * @param found Filled in
 * @param tag A valid tag
 * @param pool For the result and temporary data
 * @return A storage error (error.h)
 */
oci_error_t *oci_tag_get(oci_tag_t *found, const oci_repository_t *repository,
                         const char *tag, apr_pool_t *pool);

/**
 * Read the value of a tag's fact.
 * @param found Filled in
 * @param value Its data is NULL if there is no such tag
 * @param pool For the result
 */
void oci_tag_parse(oci_tag_t *found, const oci_value_t *value,
                   apr_pool_t *pool);

/**
 * Return the digest in the value of a tag's fact, the part before the first
 * ";"; NULL if there is no value.
 */
const char *oci_tag_digest(const oci_value_t *value, apr_pool_t *pool);

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

/**
 * List the tags that name a digest now.
 * @param tags Set to an array of const char *, in bytewise order
 * @param pool For the result and temporary data
 * @return A storage error
 */
oci_error_t *oci_tag_list_naming(apr_array_header_t **tags,
                                 const oci_repository_t *repository,
                                 const char *digest, apr_pool_t *pool);

/** The most tags that oci_tag_list_some_naming finds. */
#define OCI_TAGS_NAMING_MAX 100

/**
 * List some of the tags that name a digest now, those that are first in
 * bytewise order.
 * @param tags Set to an array of const char *, at most OCI_TAGS_NAMING_MAX
 * @param more Set to whether there may be more
 * @param pool For the result and temporary data
 * @return A storage error
 */
oci_error_t *oci_tag_list_some_naming(apr_array_header_t **tags, int *more,
                                      const oci_repository_t *repository,
                                      const char *digest, apr_pool_t *pool);

/**
 * Create the error OCI_E_TAG_IMMUTABLE of a deletion.
 * @param tag A tag of the manifest to delete, or the tag to delete; NULL if the
 *        caller must not learn it
 * @param pool Owns the error
 */
oci_error_t *oci_tag_refuse_deletion(const char *tag, apr_pool_t *pool);

/* The following functions only add to a list of changes.  Their callers hold
 * the necessary locks. */

/**
 * Add changes that set a tag.  If the same push has set it already, see
 * origin.h, its value stays as it is.
 * @param changes The list to add to
 * @param tag A valid tag; it may exist
 * @param pushed What it will say; the digest is not copied
 * @param pool For the changes and temporary data
 * @return A storage error
 */
oci_error_t *oci_tag_put(apr_array_header_t *changes,
                         const oci_repository_t *repository, const char *tag,
                         const oci_tag_t *pushed, apr_pool_t *pool);

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
 * @param tags Set to an array of const char *: these tags, in bytewise order
 * @param changes The list to add to
 * @param digest The digest that the tags name
 * @param pool For the changes and temporary data
 * @return A storage error
 */
oci_error_t *oci_tag_delete_all(apr_array_header_t **tags,
                                apr_array_header_t *changes,
                                const oci_repository_t *repository,
                                const char *digest, apr_pool_t *pool);

#endif /* OCI_TAG_H */
