/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file gc_doomed.h
 * @brief Deletes blobs of a remote store in batches
 *
 * A locator of a remote store is never used again, so that no lock is needed
 * when its bytes are deleted.  What a killed run has not deleted has no record,
 * and a later full run finds it.
 */

#ifndef OCI_GC_DOOMED_H
#define OCI_GC_DOOMED_H

#include "gc/gc.h"

/**
 * Delete a blob that has no record, sooner or later.
 * @param locator Copied
 * @return A storage error, of this or of earlier blobs
 */
oci_error_t *oci_gc_doom(oci_gc_t *gc, const char *locator, apr_pool_t *pool);

/**
 * Delete the blobs that are left.
 * @param pool For temporary data, and for the error
 * @return A storage error
 */
oci_error_t *oci_gc_delete_doomed(oci_gc_t *gc, apr_pool_t *pool);

#endif /* OCI_GC_DOOMED_H */
