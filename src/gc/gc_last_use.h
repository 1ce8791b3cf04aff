/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file gc_last_use.h
 * @brief For a dry run: which blobs would lose the last repository that holds
 * them
 */

#ifndef OCI_GC_LAST_USE_H
#define OCI_GC_LAST_USE_H

#include "gc/gc.h"

/**
 * Note that a blob would be taken out of a repository.
 * @param digest Valid; copied
 */
void oci_gc_last_use_note(oci_gc_t *gc, const char *digest);

/**
 * Add to the report those of the noted blobs that no repository would hold.
 * @param pool For temporary data
 * @return A storage error
 */
oci_error_t *oci_gc_last_use_count(oci_gc_t *gc, apr_pool_t *pool);

#endif /* OCI_GC_LAST_USE_H */
