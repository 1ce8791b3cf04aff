/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file import_images.h
 * @brief The manifests and tags of a repository that is being imported
 */

#ifndef OCI_IMPORT_IMAGES_H
#define OCI_IMPORT_IMAGES_H

#include "apr_tables.h"

#include "admin/import/import_run.h"
#include "registry/manifest_change.h"

/** The size of a digest as bytes: the algorithm in one, and the longest hash.
 */
#define OCI_IMPORT_RAW 65

/** A manifest.  A repository may have many, so the digest is kept as bytes. */
typedef struct oci_import_revision_t {
    unsigned char raw[OCI_IMPORT_RAW]; /* the digest */
    char done;                         /* imported, or skipped */
    int awaited;                       /* the position, from 1, of a manifest
                                          that it names and waits for; or 0 */
    apr_int64_t seconds;               /* when it was pushed */
    const char *media_type;            /* that the source states, or NULL */
} oci_import_revision_t;

/** A tag. */
typedef struct oci_import_tag_t {
    unsigned char raw[OCI_IMPORT_RAW]; /* the digest that it names */
    char done;                         /* its manifest was found */
    const char *name;
    apr_int64_t seconds; /* when it was pushed */
} oci_import_tag_t;

struct oci_import_images_t {
    oci_import_t *import;
    const oci_repository_t *repository;
    int dir;                       /* the repository's, in the tree */
    apr_array_header_t *revisions; /* of oci_import_revision_t, by raw */
    apr_array_header_t *tags;      /* of oci_import_tag_t, by raw */
    apr_pool_t *pool;
};

/** Make an empty list of manifests and tags, from pool. */
oci_import_images_t *oci_import_images_make(oci_import_t *import,
                                            const oci_repository_t *repository,
                                            apr_pool_t *pool);

/**
 * Add a manifest.
 * @param digest Valid
 * @param seconds When it was pushed, since 1970, UTC; 0: now
 * @return The manifest, valid until the next one is added
 */
oci_import_revision_t *oci_import_images_add(oci_import_images_t *images,
                                             const char *digest,
                                             apr_int64_t seconds);

/**
 * Add a tag.
 * @param name Valid; copied
 * @param digest That it names; valid
 * @param seconds As for oci_import_images_add
 */
void oci_import_images_add_tag(oci_import_images_t *images, const char *name,
                               const char *digest, apr_int64_t seconds);

/** Sort the manifests and tags, when all have been added. */
void oci_import_images_sort(oci_import_images_t *images);

/** Return the digest of bytes, as text from pool. */
const char *oci_import_digest(const unsigned char *raw, apr_pool_t *pool);

/** Find a manifest by its digest, which is valid; NULL if there is none. */
oci_import_revision_t *oci_import_images_find(const oci_import_images_t *images,
                                              const char *digest);

/** Return the first tag of a manifest; NULL if there is none.  The others
 * follow it. */
oci_import_tag_t *oci_import_images_tags(const oci_import_images_t *images,
                                         const unsigned char *raw);

/**
 * Decide whether a tag must be set here.  One that was pushed here meanwhile
 * stays, unless the run moves tags.
 * @param set Set to 1 or 0
 * @param condition Set to the condition of the push that sets it
 * @param tag A tag of the tree
 * @param pool For the condition and temporary data
 * @return A storage error
 */
oci_error_t *oci_import_tag_decide(int *set, oci_condition_t *condition,
                                   const oci_import_images_t *images,
                                   const oci_import_tag_t *tag,
                                   apr_pool_t *pool);

/** Print and count that a tag stays as it was pushed here. */
void oci_import_tag_keep(const oci_import_images_t *images, const char *tag);

#endif /* OCI_IMPORT_IMAGES_H */
