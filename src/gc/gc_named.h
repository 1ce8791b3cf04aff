/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file gc_named.h
 * @brief What the manifests of a repository name
 */

#ifndef OCI_GC_NAMED_H
#define OCI_GC_NAMED_H

#include "registry/registry.h"

typedef struct oci_gc_named_t oci_gc_named_t;

/** Make the state for a repository; nothing is read yet. */
oci_gc_named_t *oci_gc_named_make(const oci_repository_t *repository,
                                  apr_pool_t *pool);

/**
 * Read the manifests of the repository that were not read by an earlier call.
 * Under the repository's exclusive lock, everything that any manifest of the
 * repository names is known afterwards.
 * @param damaged Set to a manifest's error, with a note for the log, if that
 *        manifest cannot be read; what it names is not known.  NULL if all can
 * @param pool For temporary data
 * @return A storage error
 */
oci_error_t *oci_gc_named_read(oci_error_t **damaged, oci_gc_named_t *named,
                               apr_pool_t *pool);

/**
 * Return whether a manifest that was read names this content.
 * @param digest Valid
 */
int oci_gc_named_has(oci_gc_named_t *named, const char *digest);

#endif /* OCI_GC_NAMED_H */
