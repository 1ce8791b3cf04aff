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

#include "store/dbm_lock.h"
#include "store/dbm_merge.h"
#include "store/file_lock.h"
#include "store/hold.h"

typedef struct hold_t {
    oci_hold_t       base;
    const oci_dbm_t *dbm;
    int              due;      /* whether a merge waits for the last lock */
    apr_off_t        bytes;    /* of the logs, then */
} hold_t;

struct oci_lock_t {
    apr_pool_t *pool;
    oci_lock_t *file;          /* the lock itself */
    hold_t     *hold;
};

/* A pool that ends with a lock in it leaves the merge to the next change. */
static apr_status_t end_lock(void *data)
{
    oci_lock_t *lock = data;

    if (!--lock->hold->base.count) {
        oci_hold_end(&lock->hold->base);
    }
    return oci_file_unlock(lock->file);
}

apr_status_t oci_dbm_lock(oci_lock_t **result, const oci_dbm_t *dbm,
                          const char *name, oci_lock_e kind,
                          apr_pool_t *pool)
{
    oci_lock_t *lock = apr_pcalloc(pool, sizeof(*lock));
    apr_status_t rv = oci_file_lock(&lock->file, dbm->lock_file, name, kind,
                                    pool);

    if (rv) {
        return rv;
    }
    lock->pool = pool;
    lock->hold = (hold_t *)oci_hold_find(dbm, pool);
    if (!lock->hold) {
        lock->hold = apr_pcalloc(pool, sizeof(*lock->hold));
        lock->hold->dbm = dbm;
        oci_hold_begin(&lock->hold->base, dbm, pool);
    }
    lock->hold->base.count++;
    apr_pool_cleanup_register(pool, lock, end_lock, apr_pool_cleanup_null);
    *result = lock;
    return APR_SUCCESS;
}

apr_status_t oci_dbm_unlock(oci_lock_t *lock)
{
    hold_t *hold = lock->hold;
    apr_status_t rv = apr_pool_cleanup_run(lock->pool, lock, end_lock);

    if (!hold->base.count && hold->due) {
        oci_dbm_merge(hold->dbm, hold->bytes, hold->base.pool);
    }
    return rv;
}

void oci_dbm_merge_unlocked(const oci_dbm_t *dbm, apr_off_t bytes,
                            apr_pool_t *pool)
{
    hold_t *hold = (hold_t *)oci_hold_find(dbm, pool);

    if (hold) {
        hold->due = 1;
        hold->bytes = bytes;
    }
    else {
        oci_dbm_merge(dbm, bytes, pool);
    }
}
