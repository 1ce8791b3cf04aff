/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file layout.h
 * @brief Reads an OCI image layout: a directory, or a tar archive of one
 *
 *     oci-layout          {"imageLayoutVersion": "1.0.0"}
 *     index.json          an image index; its annotations name the images
 *     blobs/sha256/ab01...  manifests and blobs, by digest
 *     blobs/sha512/...
 *
 * Links are not followed, and an archive is not unpacked.
 */

#ifndef OCI_LAYOUT_H
#define OCI_LAYOUT_H

#include "admin/import/import_file.h"

/** The most bytes of index.json. */
#define OCI_LAYOUT_INDEX_MAX (32 * 1024 * 1024)

/** The annotation of index.json that has the name of an image. */
#define OCI_LAYOUT_REF_NAME "org.opencontainers.image.ref.name"

/** A layout that is open; the end of its pool closes it. */
typedef struct oci_layout_t oci_layout_t;

/**
 * Open a layout with the rights of the caller, who may be root.
 * @param layout Set to the layout
 * @param path A directory or a file
 * @param pool For the layout
 * @return NULL, or a sentence that says what is wrong
 */
const char *oci_layout_open(oci_layout_t **layout, const char *path,
                            apr_pool_t *pool);

/**
 * Check that it is a layout.  This and all else that reads it has the rights of
 * the caller, although the process may have become the owner of a store.
 * @return NULL, or a sentence that says what is wrong
 */
const char *oci_layout_check(oci_layout_t *layout);

/**
 * Read index.json of a layout that was checked.
 * @param data,size Set to its bytes, from the layout's pool; they may be
 *        anything
 * @return NULL, or a sentence that says what is wrong
 */
const char *oci_layout_index(const char **data, apr_size_t *size,
                             const oci_layout_t *layout);

/** Open a blob of a layout that was checked; an oci_import_open_t. */
apr_status_t oci_layout_file(oci_import_file_t *file, const void *source,
                             const char *digest);

/** Return the path of a layout, as text that is safe to show. */
const char *oci_layout_path(const oci_layout_t *layout);

#endif /* OCI_LAYOUT_H */
