/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file gc_holders.h
 * @brief Whether a repository holds a blob
 */

#ifndef OCI_GC_HOLDERS_H
#define OCI_GC_HOLDERS_H

#include "gc/gc.h"

/**
 * Find out whether a repository holds a blob.  A process that was killed while
 * it entered a blob, or took it out, may have left a fact that it does.
 * @param stale Such facts are added, to be deleted; none if the blob is held
 */
oci_error_t *oci_gc_holders_find(int *held, apr_array_header_t *stale,
                                 const oci_gc_t *gc, const char *digest);

#endif /* OCI_GC_HOLDERS_H */
