/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file children.h
 * @brief Checks that a repository holds the content that a manifest names
 */

#ifndef OCI_CHILDREN_H
#define OCI_CHILDREN_H

#include "registry/registry.h"
#include "values/document.h"

/**
 * Check that a repository holds the children of a document, with the sizes
 * that its descriptors state.  The registry's sparse policy allows some
 * children to be absent.
 * @param released A list of changes: those are added that keep the children
 *        from garbage collection, by releasing condemned blobs (blob.h) and
 *        manifests that are marked because no tag leads to them
 * @param document A parsed manifest or index
 * @param pool For the errors and temporary data
 * @return OCI_E_MANIFEST_BLOB_UNKNOWN, a list with one error for each missing
 *         child; OCI_E_MANIFEST_INVALID for a wrong size; a storage error
 */
oci_error_t *oci_children_check(apr_array_header_t *released,
                                const oci_repository_t *repository,
                                const oci_document_t *document,
                                apr_pool_t *pool);

/** Return whether the registry's sparse policy allows a child to be absent. */
int oci_child_may_be_absent(const oci_registry_t *registry,
                            const oci_child_t *child);

#endif /* OCI_CHILDREN_H */
