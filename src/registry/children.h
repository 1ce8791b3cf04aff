/* Licensed under the Apache License, Version 2.0 (the "License"); you may
 * not use this file except in compliance with the License.  You may obtain
 * a copy of the License at http://www.apache.org/licenses/LICENSE-2.0
 *
 * Unless required by applicable law or agreed to in writing, software
 * distributed under the License is distributed on an "AS IS" BASIS,
 * WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
 * See the License for the specific language governing permissions and
 * limitations under the License.
 */

/**
 * @file children.h
 * @brief What a manifest names, against what the repository holds
 */

#ifndef OCI_CHILDREN_H
#define OCI_CHILDREN_H

#include "registry/registry.h"
#include "spec/document.h"

/**
 * Check that a repository holds what a document names, with the sizes that
 * it says, as far as the registry's sparse policy asks for it.
 * @return OCI_E_MANIFEST_BLOB_UNKNOWN, one for each that is missing;
 *         OCI_E_MANIFEST_INVALID for a wrong size; OCI_E_INTERNAL
 */
oci_error_t *oci_children_check(const oci_registry_t *registry,
                                const char *name,
                                const oci_document_t *document,
                                apr_pool_t *pool);

#endif /* OCI_CHILDREN_H */
