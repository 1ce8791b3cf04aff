/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file gc_holders.h
 * @brief Whether a repository holds a blob
 */

#ifndef OCI_GC_HOLDERS_H
#define OCI_GC_HOLDERS_H

#include "gc/gc.h"

/** A page of the facts holder/..., for questions in the order of digests. */
typedef struct oci_gc_holders_t oci_gc_holders_t;

/** Make an empty page. */
oci_gc_holders_t *oci_gc_holders_make(const oci_gc_t *gc, apr_pool_t *pool);

/**
 * Find out whether a repository holds a blob.  This is fast if the digests of
 * most calls follow each other in the order of the facts.
 * @param held Set to whether one was found; if not, the page may be too old, so
 *        that oci_gc_holders_find has to be asked
 * @param pool For temporary data
 */
oci_error_t *oci_gc_holders_look(int *held, oci_gc_holders_t *holders,
                                 const char *digest, apr_pool_t *pool);

/**
 * Find out whether a repository holds a blob.  A process that was killed while
 * it entered a blob, or took it out, may have left a fact that it does.
 * @param stale Such facts are added, to be deleted; none if the blob is held
 */
oci_error_t *oci_gc_holders_find(int *held, apr_array_header_t *stale,
                                 const oci_gc_t *gc, const char *digest);

#endif /* OCI_GC_HOLDERS_H */
