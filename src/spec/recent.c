/* Licensed under the Apache License, Version 2.0 (the "License"); you may
 * not use this file except in compliance with the License.  You may obtain
 * a copy of the License at http://www.apache.org/licenses/LICENSE-2.0
 *
 * Unless required by applicable law or agreed to in writing, software
 * distributed under the License is distributed on an "AS IS" BASIS,
 * WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
 * See the License for the specific language governing permissions and
 * limitations under the License.
 */

#include "spec/recent.h"

#include <string.h>

#include "apr_thread_mutex.h"

struct oci_recent_t {
    apr_thread_mutex_t *mutex;
    unsigned            count;
    unsigned char     (*slots)[OCI_RECENT_BYTES];  /* zeros where empty */
};

apr_status_t oci_recent_create(oci_recent_t **set, unsigned slots,
                               apr_pool_t *pool)
{
    *set = apr_palloc(pool, sizeof(**set));
    (*set)->count = slots;
    (*set)->slots = apr_pcalloc(pool, slots * sizeof(*(*set)->slots));
    return apr_thread_mutex_create(&(*set)->mutex, APR_THREAD_MUTEX_UNNESTED,
                                   pool);
}

/* Hashes are evenly spread: each has one place where it may be. */
static unsigned char *slot_of(oci_recent_t *set, const unsigned char *hash)
{
    unsigned number;

    memcpy(&number, hash, sizeof(number));
    return set->slots[number % set->count];
}

int oci_recent_has(oci_recent_t *set, const unsigned char *hash)
{
    int same;

    apr_thread_mutex_lock(set->mutex);
    same = !memcmp(slot_of(set, hash), hash, OCI_RECENT_BYTES);
    apr_thread_mutex_unlock(set->mutex);
    return same;
}

void oci_recent_add(oci_recent_t *set, const unsigned char *hash)
{
    apr_thread_mutex_lock(set->mutex);
    memcpy(slot_of(set, hash), hash, OCI_RECENT_BYTES);
    apr_thread_mutex_unlock(set->mutex);
}
