/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file image_size.h
 * @brief The size of an image, with everything that it names
 */

#ifndef OCI_IMAGE_SIZE_H
#define OCI_IMAGE_SIZE_H

#include "registry/manifest.h"
#include "values/document.h"

/** What may still be read, for one size or several. */
typedef struct oci_reading_t {
    int manifests;     /* this many; that they are not there counts, too */
    apr_int64_t bytes; /* of manifests; the last one may exceed it */
    /** Whether a manifest may be read; NULL: all. */
    int (*may_read)(void *baton, const char *digest);
    void *baton; /* for may_read */
} oci_reading_t;

/** Return 1 if this manifest may be read, too.
 * @param reading NULL: there is no limit */
int oci_reading_may_go_on(const oci_reading_t *reading, const char *digest);

/** Count a manifest that was read.
 * @param reading NULL: nothing is counted
 * @param size Bytes; 0 if it is not there */
void oci_reading_count(oci_reading_t *reading, apr_size_t size);

typedef struct oci_image_size_t {
    oci_reading_t *reading; /* reduced by what is read; NULL: no limit */
    apr_int64_t bytes;      /* APR_INT64_MAX: this or more */
    int incomplete; /* something below a manifest does not count, because the
                       manifest is not in the repository, is damaged, is nested
                       too deeply or may not be read */
} oci_image_size_t;

/**
 * Add up the sizes of a manifest, its config and its layers, and, for an index,
 * of the manifests that it names and of what they name.  What is named several
 * times counts once; manifests that cannot be read count with the size that the
 * index states.
 * @param size Its reading is given, the rest is set
 * @param manifest A manifest of the repository
 * @param document The parsed manifest
 * @param pool For temporary data
 * @return A storage error
 */
oci_error_t *oci_image_size(oci_image_size_t *size,
                            const oci_repository_t *repository,
                            const oci_manifest_t *manifest,
                            const oci_document_t *document, apr_pool_t *pool);

#endif /* OCI_IMAGE_SIZE_H */
