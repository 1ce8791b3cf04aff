/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file image_size.h
 * @brief The size of an image, with everything that it names
 */

#ifndef OCI_IMAGE_SIZE_H
#define OCI_IMAGE_SIZE_H

#include "registry/manifest.h"
#include "values/document.h"

/**
 * Add up the sizes of a manifest, its config and its layers, and, for an index,
 * of the manifests that it names and of what they name.  What is named several
 * times counts once; manifests that are not in the repository, or are damaged,
 * count with the size that the index states.
 * @param bytes Set to the sum
 * @param manifest A manifest of the repository
 * @param document The parsed manifest
 * @param pool For temporary data
 * @return A storage error
 */
oci_error_t *oci_image_size(apr_uint64_t *bytes,
                            const oci_repository_t *repository,
                            const oci_manifest_t *manifest,
                            const oci_document_t *document, apr_pool_t *pool);

#endif /* OCI_IMAGE_SIZE_H */
