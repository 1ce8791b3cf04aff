/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file gc_tags.h
 * @brief Retention: deletes the tags that no rule keeps
 */

#ifndef OCI_GC_TAGS_H
#define OCI_GC_TAGS_H

#include "gc/gc.h"

/**
 * Delete the tags of a repository that OCIRetain does not keep.  Nothing
 * happens if no rule is for this repository.
 * @param pool For temporary data
 * @return A storage error
 */
oci_error_t *oci_gc_tags(oci_gc_t *gc, const oci_repository_t *repository,
                         apr_pool_t *pool);

#endif /* OCI_GC_TAGS_H */
