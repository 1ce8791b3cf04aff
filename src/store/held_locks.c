/* SPDX-License-Identifier: Apache-2.0 */

/* The locks that a caller holds, found by the caller's pool. */

#include "store/held_locks.h"

#define HELD_LOCKS_KEY "mod_oci held locks"

static oci_held_locks_t *held_by_pool(apr_pool_t *pool)
{
    void *held;

    apr_pool_userdata_get(&held, HELD_LOCKS_KEY, pool);
    return held;
}

oci_held_locks_t *oci_held_locks_find(const void *store, apr_pool_t *pool)
{
    for (; pool; pool = apr_pool_parent_get(pool)) {
        oci_held_locks_t *held = held_by_pool(pool);

        while (held && held->store != store) {
            held = held->next;
        }
        if (held) {
            return held;
        }
    }
    return NULL;
}

void oci_held_locks_register(oci_held_locks_t *held, const void *store,
                             apr_pool_t *pool)
{
    held->store = store;
    held->pool = pool;
    held->next = held_by_pool(pool);
    apr_pool_userdata_setn(held, HELD_LOCKS_KEY, NULL, pool);
}

void oci_held_locks_unregister(oci_held_locks_t *held)
{
    oci_held_locks_t *first = held_by_pool(held->pool);

    if (first == held) {
        apr_pool_userdata_setn(held->next, HELD_LOCKS_KEY, NULL, held->pool);
    }
    for (; first && first != held; first = first->next) {
        if (first->next == held) {
            first->next = held->next;
        }
    }
}
