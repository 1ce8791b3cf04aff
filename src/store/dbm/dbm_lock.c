/* SPDX-License-Identifier: Apache-2.0 */

/* The named locks of an index "dbm", and merges that wait for them. */

#include "store/dbm/dbm_lock.h"
#include "store/dbm/dbm_merge.h"
#include "store/file_lock.h"
#include "store/held_locks.h"

typedef struct hold_t {
    oci_held_locks_t base;
    const oci_dbm_t *dbm;
    int due;         /* whether a merge waits for the last lock */
    apr_off_t bytes; /* of the logs, then */
} hold_t;

struct oci_lock_t {
    apr_pool_t *pool;
    oci_lock_t *file; /* the lock itself */
    hold_t *hold;
};

/* A pool that ends with a lock in it leaves the merge to the next change. */
static apr_status_t end_lock(void *data)
{
    oci_lock_t *lock = data;

    if (!--lock->hold->base.count) {
        oci_held_locks_end(&lock->hold->base);
    }
    return oci_file_lock_release(lock->file);
}

apr_status_t oci_dbm_lock(oci_lock_t **result, const oci_dbm_t *dbm,
                          const char *name, oci_lock_e kind, apr_pool_t *pool)
{
    oci_lock_t *lock = apr_pcalloc(pool, sizeof(*lock));
    apr_status_t rv = oci_file_lock_take(&lock->file, dbm->lock_file, name,
                                         kind, pool);

    if (rv) {
        return rv;
    }
    lock->pool = pool;
    lock->hold = (hold_t *)oci_held_locks_find(dbm, pool);
    if (!lock->hold) {
        lock->hold = apr_pcalloc(pool, sizeof(*lock->hold));
        lock->hold->dbm = dbm;
        oci_held_locks_begin(&lock->hold->base, dbm, pool);
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
    hold_t *hold = (hold_t *)oci_held_locks_find(dbm, pool);

    if (hold && bytes < OCI_DBM_MERGE_LATEST) {
        hold->due = 1;
        hold->bytes = bytes;
    }
    else {
        oci_dbm_merge(dbm, bytes, pool);
    }
}
