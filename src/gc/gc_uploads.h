/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file gc_uploads.h
 * @brief Garbage collection of uploads
 */

#ifndef OCI_GC_UPLOADS_H
#define OCI_GC_UPLOADS_H

#include "gc/gc.h"

/**
 * End the uploads that have been idle for too long, except those to which a
 * request is writing, and remove the records of uploads that no client can
 * continue.
 * @param pool For temporary data
 * @return A storage error if the uploads cannot be listed; those of single
 *         uploads are reported
 */
oci_error_t *oci_gc_uploads(oci_gc_t *gc, apr_pool_t *pool);

/**
 * Make room when storage is full: end uploads that have been idle for a minute
 * or more, and to which no request is writing, the oldest first, and a hundred
 * at most.  If another request of this process makes room, nothing is done.
 * @param ended Set to the number of uploads that were ended
 * @param bytes How much room to make
 * @param pool For temporary data
 * @return The bytes that were freed; 0 if there is nothing to end, or if that
 *         failed
 */
apr_off_t oci_gc_make_room(apr_uint64_t *ended, const oci_registry_t *registry,
                           apr_off_t bytes, apr_pool_t *pool);

#endif /* OCI_GC_UPLOADS_H */
