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

/** Prepare a run to doom blobs. */
apr_status_t oci_gc_doomed_begin(oci_gc_t *gc, apr_pool_t *pool);

/**
 * Delete a blob that has no record, at one of the next calls of
 * oci_gc_delete_doomed.
 * @param locator Copied
 * @param digest Copied; NULL if it is not known
 */
void oci_gc_doom(oci_gc_t *gc, const char *locator, const char *digest);

/**
 * Delete doomed blobs, if there are enough for a request, except those that
 * have a record by now.  The caller holds no lock but the run's.
 * @param all Whether to delete them in any case
 * @param pool For temporary data, and for the error
 * @return A storage error
 */
oci_error_t *oci_gc_delete_doomed(oci_gc_t *gc, int all, apr_pool_t *pool);

#endif /* OCI_GC_DOOMED_H */
