/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file children.h
 * @brief What a manifest names, against what the repository holds
 */

#ifndef OCI_CHILDREN_H
#define OCI_CHILDREN_H

#include "registry/registry.h"
#include "values/document.h"

/**
 * Check that a repository holds what a document names, with the sizes that
 * it says, as far as the registry's sparse policy asks for it.
 * @return OCI_E_MANIFEST_BLOB_UNKNOWN, one for each that is missing;
 *         OCI_E_MANIFEST_INVALID for a wrong size; OCI_E_INTERNAL
 */
oci_error_t *oci_children_check(const oci_repository_t *repository,
                                const oci_document_t *document,
                                apr_pool_t *pool);

#endif /* OCI_CHILDREN_H */
