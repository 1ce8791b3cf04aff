/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file gc_order.h
 * @brief The order in which to delete manifests
 */

#ifndef OCI_GC_ORDER_H
#define OCI_GC_ORDER_H

#include "gc/gc_named.h"

/**
 * Put manifests into the order in which to delete them: whoever names others
 * goes first, an index before its children, a referrer before its subject.  A
 * run that ends early then leaves no manifest that names one that is gone.
 * @param chosen const char *: digests of manifests that are not live; those
 *        that an index names which stays are taken out
 * @param named The manifests, with their field live
 * @param pool For temporary data
 * @return Whether some were taken out
 */
int oci_gc_order(apr_array_header_t *chosen, const oci_gc_named_t *named,
                 apr_pool_t *pool);

#endif /* OCI_GC_ORDER_H */
