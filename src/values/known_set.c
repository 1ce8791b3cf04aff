/* SPDX-License-Identifier: Apache-2.0 */

/* A bounded set of values that are known to be good, by their keys. */

#include "values/known_set.h"

#include <string.h>

#include "apr_hash.h"
#include "apr_thread_mutex.h"

struct oci_known_set_t {
    apr_thread_mutex_t *mutex;
    unsigned count;
    unsigned char (*slots)[OCI_KNOWN_SET_BYTES]; /* zeros where empty */
};

apr_status_t oci_known_set_create(oci_known_set_t **set, unsigned slots,
                                  apr_pool_t *pool)
{
    *set = apr_palloc(pool, sizeof(**set));
    (*set)->count = slots;
    (*set)->slots = apr_pcalloc(pool, slots * sizeof(*(*set)->slots));
    return apr_thread_mutex_create(&(*set)->mutex, APR_THREAD_MUTEX_UNNESTED,
                                   pool);
}

/* Each key has one possible slot. */
static unsigned char *slot_of(oci_known_set_t *set, const unsigned char *key)
{
    apr_ssize_t length = OCI_KNOWN_SET_BYTES;
    unsigned number = apr_hashfunc_default((const char *)key, &length);

    return set->slots[number % set->count];
}

int oci_known_set_has(oci_known_set_t *set, const unsigned char *key)
{
    int same;

    apr_thread_mutex_lock(set->mutex);
    same = !memcmp(slot_of(set, key), key, OCI_KNOWN_SET_BYTES);
    apr_thread_mutex_unlock(set->mutex);
    return same;
}

void oci_known_set_add(oci_known_set_t *set, const unsigned char *key)
{
    apr_thread_mutex_lock(set->mutex);
    memcpy(slot_of(set, key), key, OCI_KNOWN_SET_BYTES);
    apr_thread_mutex_unlock(set->mutex);
}
