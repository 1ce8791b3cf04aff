/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file walk.h
 * @brief Visits all facts of a range
 */

#ifndef OCI_WALK_H
#define OCI_WALK_H

#include "registry/registry.h"

typedef struct oci_walk_t oci_walk_t;

/**
 * Called for each fact.
 * @param rest The part of its key after the prefix, which may end with "!"
 * @param value Its data is NULL unless values were asked for
 * @param pool For temporary data of this call
 * @return An error, which ends the walk
 */
typedef oci_error_t *oci_visit_t(oci_walk_t *walk, const char *rest,
                                 const oci_value_t *value, apr_pool_t *pool);

/** A walk. */
struct oci_walk_t {
    const oci_registry_t *registry;
    const char *prefix; /* of the keys; ends with "/" */
    int values;         /* whether to read values, too */
    int any_order;      /* whether the order does not matter */
    oci_visit_t *visit;
    void *baton; /* for visit */
    int stop;    /* visit may set it to end the walk */
};

/**
 * Visit all facts of a range, in the order of their keys if it matters.  Facts
 * that come or go meanwhile may or may not be visited; all others are visited
 * once.
 * @param pool For temporary data, of a page and of a call, and for an error
 * @return A storage error, or the error of visit
 */
oci_error_t *oci_walk(oci_walk_t *walk, apr_pool_t *pool);

#endif /* OCI_WALK_H */
