/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file gc_strays.h
 * @brief Garbage collection of bytes in a remote store that no record names
 */

#ifndef OCI_GC_STRAYS_H
#define OCI_GC_STRAYS_H

#include "gc/gc.h"

/**
 * Look at all blobs of a remote store.  Bytes that no record names are noted,
 * and deleted by the first full run that finds them still without a record when
 * the note is old enough: older than the grace time, and than the time for
 * which an upload may be idle, because the store may list its bytes as a blob.
 * @param pool For temporary data
 * @return A storage error if the blobs cannot be listed, or if so many have no
 *         record that the index may be the wrong one
 */
oci_error_t *oci_gc_strays(oci_gc_t *gc, apr_pool_t *pool);

#endif /* OCI_GC_STRAYS_H */
