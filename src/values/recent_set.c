/* SPDX-License-Identifier: Apache-2.0 */

/* A bounded set of hashes, in which new ones displace old ones. */

#include "values/recent_set.h"

#include <string.h>

#include "apr_thread_mutex.h"

struct oci_recent_set_t {
    apr_thread_mutex_t *mutex;
    unsigned count;
    unsigned char (*slots)[OCI_RECENT_SET_BYTES]; /* zeros where empty */
};

apr_status_t oci_recent_set_create(oci_recent_set_t **set, unsigned slots,
                                   apr_pool_t *pool)
{
    *set = apr_palloc(pool, sizeof(**set));
    (*set)->count = slots;
    (*set)->slots = apr_pcalloc(pool, slots * sizeof(*(*set)->slots));
    return apr_thread_mutex_create(&(*set)->mutex, APR_THREAD_MUTEX_UNNESTED,
                                   pool);
}

/* Hashes are evenly spread: each has one place where it may be. */
static unsigned char *slot_of(oci_recent_set_t *set, const unsigned char *hash)
{
    unsigned number;

    memcpy(&number, hash, sizeof(number));
    return set->slots[number % set->count];
}

int oci_recent_set_has(oci_recent_set_t *set, const unsigned char *hash)
{
    int same;

    apr_thread_mutex_lock(set->mutex);
    same = !memcmp(slot_of(set, hash), hash, OCI_RECENT_SET_BYTES);
    apr_thread_mutex_unlock(set->mutex);
    return same;
}

void oci_recent_set_add(oci_recent_set_t *set, const unsigned char *hash)
{
    apr_thread_mutex_lock(set->mutex);
    memcpy(slot_of(set, hash), hash, OCI_RECENT_SET_BYTES);
    apr_thread_mutex_unlock(set->mutex);
}
