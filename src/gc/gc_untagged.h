/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file gc_untagged.h
 * @brief Deletes manifests to which no tag leads
 */

#ifndef OCI_GC_UNTAGGED_H
#define OCI_GC_UNTAGGED_H

#include "gc/gc.h"

/**
 * Delete the manifests of a repository to which no tag has led for as long as
 * OCIUntagged says.  Nothing happens if it says that they are kept, or if a
 * manifest is damaged.
 * @param waiting Set to 1 if manifests will go later; otherwise not changed
 * @param pool For temporary data
 * @return A storage error
 */
oci_error_t *oci_gc_untagged(int *waiting, oci_gc_t *gc,
                             const oci_repository_t *repository,
                             apr_pool_t *pool);

#endif /* OCI_GC_UNTAGGED_H */
