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

/* The locks that a caller holds, found by the pool of the first of them or
 * one below it.  A hold lives as long as that pool, and is used again. */
typedef struct hold_t hold_t;
struct hold_t {
    const oci_dbm_t *dbm;
    int         count;         /* of locks */
    int         due;           /* whether a merge waits for the last */
    apr_off_t   bytes;         /* of the logs, then */
    apr_pool_t *pool;
    hold_t     *next;          /* another index's, of the same pool */
};

struct oci_lock_t {
    apr_pool_t *pool;
    oci_lock_t *file;          /* the lock itself */
    hold_t     *hold;
};

#define HELD "mod_oci dbm held"

static hold_t *holds_of(apr_pool_t *pool)
{
    void *holds;

    apr_pool_userdata_get(&holds, HELD, pool);
    return holds;
}

/* The hold of an index in which there are locks, or NULL. */
static hold_t *find_hold(const oci_dbm_t *dbm, apr_pool_t *pool)
{
    for (; pool; pool = apr_pool_parent_get(pool)) {
        hold_t *hold = holds_of(pool);

        while (hold && (hold->dbm != dbm || !hold->count)) {
            hold = hold->next;
        }
        if (hold) {
            return hold;
        }
    }
    return NULL;
}

/* A hold for a first lock. */
static hold_t *make_hold(const oci_dbm_t *dbm, apr_pool_t *pool)
{
    hold_t *hold = holds_of(pool);

    while (hold && hold->dbm != dbm) {
        hold = hold->next;
    }
    if (!hold) {
        hold = apr_pcalloc(pool, sizeof(*hold));
        hold->dbm = dbm;
        hold->pool = pool;
        hold->next = holds_of(pool);
        apr_pool_userdata_setn(hold, HELD, NULL, pool);
    }
    hold->due = 0;
    return hold;
}

/* A pool that ends with a lock in it leaves the merge to the next change. */
static apr_status_t end_lock(void *data)
{
    oci_lock_t *lock = data;

    lock->hold->count--;
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
    lock->hold = find_hold(dbm, pool);
    if (!lock->hold) {
        lock->hold = make_hold(dbm, pool);
    }
    lock->hold->count++;
    apr_pool_cleanup_register(pool, lock, end_lock, apr_pool_cleanup_null);
    *result = lock;
    return APR_SUCCESS;
}

apr_status_t oci_dbm_unlock(oci_lock_t *lock)
{
    hold_t *hold = lock->hold;
    apr_status_t rv = apr_pool_cleanup_run(lock->pool, lock, end_lock);

    if (!hold->count && hold->due) {
        hold->due = 0;
        oci_dbm_merge(hold->dbm, hold->bytes, hold->pool);
    }
    return rv;
}

void oci_dbm_merge_unlocked(const oci_dbm_t *dbm, apr_off_t bytes,
                            apr_pool_t *pool)
{
    hold_t *hold = find_hold(dbm, pool);

    if (hold) {
        hold->due = 1;
        hold->bytes = bytes;
    }
    else {
        oci_dbm_merge(dbm, bytes, pool);
    }
}
