/* SPDX-License-Identifier: Apache-2.0 */

/* A bounded set of the hashes of verified tokens. */

#include "values/verified_set.h"

#include <string.h>

#include "apr_thread_mutex.h"

struct oci_verified_set_t {
    apr_thread_mutex_t *mutex;
    unsigned count;
    unsigned char (*slots)[OCI_VERIFIED_SET_BYTES]; /* zeros where empty */
};

apr_status_t oci_verified_set_create(oci_verified_set_t **set, unsigned slots,
                                     apr_pool_t *pool)
{
    *set = apr_palloc(pool, sizeof(**set));
    (*set)->count = slots;
    (*set)->slots = apr_pcalloc(pool, slots * sizeof(*(*set)->slots));
    return apr_thread_mutex_create(&(*set)->mutex, APR_THREAD_MUTEX_UNNESTED,
                                   pool);
}

/* Each hash has one possible slot: hashes are spread evenly over them. */
static unsigned char *slot_of(oci_verified_set_t *set,
                              const unsigned char *hash)
{
    unsigned number;

    memcpy(&number, hash, sizeof(number));
    return set->slots[number % set->count];
}

int oci_verified_set_has(oci_verified_set_t *set, const unsigned char *hash)
{
    int same;

    apr_thread_mutex_lock(set->mutex);
    same = !memcmp(slot_of(set, hash), hash, OCI_VERIFIED_SET_BYTES);
    apr_thread_mutex_unlock(set->mutex);
    return same;
}

void oci_verified_set_add(oci_verified_set_t *set, const unsigned char *hash)
{
    apr_thread_mutex_lock(set->mutex);
    memcpy(slot_of(set, hash), hash, OCI_VERIFIED_SET_BYTES);
    apr_thread_mutex_unlock(set->mutex);
}
