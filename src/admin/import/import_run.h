/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file import_run.h
 * @brief What the parts of "ociadmin import" share
 *
 * A run imports one repository after the other: the layers, then the manifests
 * and their tags.  Of a repository of another registry it first reads the names
 * of the tags, then of the manifests, then of the layers, because a client that
 * pushes to a live registry writes them in the opposite order.
 */

#ifndef OCI_IMPORT_RUN_H
#define OCI_IMPORT_RUN_H

#include "apr_tables.h"

#include "admin/import/import_file.h"
#include "admin/progress.h"
#include "registry/registry.h"
#include "store/fs/fs_blob_adopt.h"
#include "values/document.h"

/** What a run has done. */
typedef struct oci_import_report_t {
    apr_uint64_t repositories; /* that were read */
    apr_uint64_t tags;         /* set or moved */
    apr_uint64_t manifests;    /* imported */
    apr_uint64_t blobs;        /* imported: their bytes came into the store */
    apr_uint64_t bytes;        /* of these blobs */
    apr_uint64_t linked;       /* of these blobs */
    apr_uint64_t cloned;
    apr_uint64_t copied;
    apr_uint64_t foreign; /* copied because of the file's owner or mode */
    apr_uint64_t present; /* tags, manifests and layers that were there */
    apr_uint64_t gone;    /* layers without bytes; see import_layers.c */
    apr_uint64_t kept;    /* tags that differ, as they were pushed here */
    apr_uint64_t skipped; /* what could not be imported */
} oci_import_report_t;

/** A run. */
typedef struct oci_import_t {
    const oci_registry_t *registry;
    oci_import_open_t *open;   /* opens the blobs and manifests of source */
    const void *source;        /* an oci_import_tree_t or oci_layout_t */
    int moves_tags;            /* a tag that was pushed here moves, too */
    int takes_sparse;          /* an index may lack manifests */
    oci_fs_adopter_t *adopter; /* or NULL */
    oci_import_report_t report;
    oci_progress_t *progress;
} oci_import_t;

/** Print what could not be imported, and count it; the arguments are those of
 * printf. */
void oci_import_skip(oci_import_t *import, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** Print something that is not an error; the arguments are those of printf. */
void oci_import_note(oci_import_t *import, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** Print the progress, unless it was printed a moment ago. */
void oci_import_progress(const oci_import_t *import);

/**
 * Import the layers of a repository, which are all blobs that it holds.
 * @param dir The repository's directory in the tree, open
 * @param pool For temporary data
 * @return An error of our stores, which ends the run
 */
oci_error_t *oci_import_layers(oci_import_t *import,
                               const oci_repository_t *repository, int dir,
                               apr_pool_t *pool);

/**
 * Import blobs into a repository.  One that the source does not have is
 * counted, and not an error.
 * @param digests An array of const char *: valid digests
 * @param pool For temporary data
 * @return An error of our stores, which ends the run
 */
oci_error_t *oci_import_blobs(oci_import_t *import,
                              const oci_repository_t *repository,
                              const apr_array_header_t *digests,
                              apr_pool_t *pool);

/** A manifest that is being imported. */
typedef struct oci_import_manifest_t {
    const char *data;
    apr_size_t size;          /* bytes */
    const char *stated_type;  /* set before: the media type that the source
                                 states outside of the manifest, or NULL */
    const char *content_type; /* for oci_push_t */
    int present;              /* it is here already */
    const char *fault;        /* what is wrong, as the end of a sentence */
    int absent;               /* what is wrong is that the source lacks it */
    oci_document_t *document; /* unless there is a fault */
} oci_import_manifest_t;

/**
 * Get a manifest's bytes, from here or from the source, verify their digest,
 * and parse them.
 * @param manifest Filled in, but for stated_type
 * @param digest Valid
 * @param pool For the result
 * @return An error of our stores, which ends the run
 */
oci_error_t *oci_import_manifest_load(oci_import_manifest_t *manifest,
                                      const oci_import_t *import,
                                      const oci_repository_t *repository,
                                      const char *digest, apr_pool_t *pool);

/** The manifests and tags of a repository that is being imported. */
typedef struct oci_import_images_t oci_import_images_t;

/**
 * Read which manifests and tags a repository of the tree has.
 * @param images Set to them
 * @param dir The repository's directory in the tree; must stay open
 * @param pool For the result
 */
void oci_import_images_read(oci_import_images_t **images, oci_import_t *import,
                            const oci_repository_t *repository, int dir,
                            apr_pool_t *pool);

/**
 * Import manifests and their tags, when the layers are there.
 * @return An error of our stores, which ends the run
 */
oci_error_t *oci_import_images_put(oci_import_images_t *images);

#endif /* OCI_IMPORT_RUN_H */
