/* SPDX-License-Identifier: Apache-2.0 */

/* Which locks a caller holds, found by the caller's pool. */

#include "store/held_locks.h"

#define HOLDS "mod_oci holds"

static oci_held_locks_t *holds_of(apr_pool_t *pool)
{
    void *holds;

    apr_pool_userdata_get(&holds, HOLDS, pool);
    return holds;
}

oci_held_locks_t *oci_held_locks_find(const void *store, apr_pool_t *pool)
{
    for (; pool; pool = apr_pool_parent_get(pool)) {
        oci_held_locks_t *hold = holds_of(pool);

        while (hold && hold->store != store) {
            hold = hold->next;
        }
        if (hold) {
            return hold;
        }
    }
    return NULL;
}

void oci_held_locks_begin(oci_held_locks_t *hold, const void *store,
                          apr_pool_t *pool)
{
    hold->store = store;
    hold->pool = pool;
    hold->next = holds_of(pool);
    apr_pool_userdata_setn(hold, HOLDS, NULL, pool);
}

void oci_held_locks_end(oci_held_locks_t *hold)
{
    oci_held_locks_t *first = holds_of(hold->pool);

    if (first == hold) {
        apr_pool_userdata_setn(hold->next, HOLDS, NULL, hold->pool);
    }
    for (; first && first != hold; first = first->next) {
        if (first->next == hold) {
            first->next = hold->next;
        }
    }
}
