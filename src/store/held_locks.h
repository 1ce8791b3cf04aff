/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file held_locks.h
 * @brief Which locks a caller holds, found by the caller's pool
 *
 * A hold begins with a caller's first lock of a store.  It is found by the
 * pool of that lock, and by all pools below it.
 */

#ifndef OCI_HELD_LOCKS_H
#define OCI_HELD_LOCKS_H

#include "apr_pools.h"

/** A hold; what more a store keeps of it follows in a struct of its own. */
typedef struct oci_held_locks_t oci_held_locks_t;
struct oci_held_locks_t {
    const void *store; /* whose locks they are */
    int count;         /* of locks; its users keep it */
    apr_pool_t *pool;
    oci_held_locks_t *next; /* another store's, of the same pool */
};

/**
 * Find the hold of a store.
 * @param pool The caller's
 * @return NULL if the caller has no lock of this store
 */
oci_held_locks_t *oci_held_locks_find(const void *store, apr_pool_t *pool);

/**
 * Let a hold be found.
 * @param hold All zero so far; lives as long as pool
 */
void oci_held_locks_begin(oci_held_locks_t *hold, const void *store,
                          apr_pool_t *pool);

/** Let a hold be found no longer. */
void oci_held_locks_end(oci_held_locks_t *hold);

#endif /* OCI_HELD_LOCKS_H */
