/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file held_locks.h
 * @brief The locks that a caller holds, found by the caller's pool
 *
 * A set of held locks begins with a caller's first lock of a store.  It is
 * found from the pool of that lock and from all pools below it.
 */

#ifndef OCI_HELD_LOCKS_H
#define OCI_HELD_LOCKS_H

#include "apr_pools.h"

/**
 * The locks of one store that a caller holds; a store embeds this first in a
 * struct of its own.
 */
typedef struct oci_held_locks_t oci_held_locks_t;
struct oci_held_locks_t {
    const void *store; /* the store of the locks */
    int count;         /* of locks; maintained by the store */
    apr_pool_t *pool;
    oci_held_locks_t *next; /* the next store's, of the same pool */
};

/**
 * Find the locks that a caller holds in a store.
 * @param pool The caller's pool
 * @return NULL if the caller has no lock of this store
 */
oci_held_locks_t *oci_held_locks_find(const void *store, apr_pool_t *pool);

/**
 * Register held locks, so that they are found from pool.
 * @param held All zero before the call; lives as long as pool
 */
void oci_held_locks_register(oci_held_locks_t *held, const void *store,
                             apr_pool_t *pool);

/** Unregister held locks. */
void oci_held_locks_unregister(oci_held_locks_t *held);

#endif /* OCI_HELD_LOCKS_H */
