/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file gc_repository.h
 * @brief Garbage collection in one repository
 */

#ifndef OCI_GC_REPOSITORY_H
#define OCI_GC_REPOSITORY_H

#include "gc/gc.h"

/**
 * Review a repository: condemn the blobs that no manifest names, and take out
 * those that were condemned long enough ago.  A repository with a damaged
 * manifest is skipped.
 * @param name Valid
 * @param pool For temporary data
 * @return A storage error
 */
oci_error_t *oci_gc_repository(oci_gc_t *gc, const char *name,
                               apr_pool_t *pool);

#endif /* OCI_GC_REPOSITORY_H */
