/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file gc_blobs.h
 * @brief Garbage collection of the bytes of blobs
 */

#ifndef OCI_GC_BLOBS_H
#define OCI_GC_BLOBS_H

#include "gc/gc.h"

/**
 * Delete the blobs that were taken out of a repository, and that no other
 * repository holds.
 * @param pool For temporary data
 * @return A storage error of the index; those of single blobs are reported
 */
oci_error_t *oci_gc_orphans(oci_gc_t *gc, apr_pool_t *pool);

/**
 * Go through all blobs.  Delete those that no repository holds: a process was
 * killed while it entered such a blob, or took it out.  Delete the bytes that
 * no record names: a process was killed after it had stored them.  If the blob
 * store cannot list its blobs, the records are listed, and such bytes stay.
 * @param pool For temporary data
 * @return A storage error if the blobs cannot be listed; those of single blobs
 *         are reported
 */
oci_error_t *oci_gc_blobs(oci_gc_t *gc, apr_pool_t *pool);

#endif /* OCI_GC_BLOBS_H */
