/* SPDX-License-Identifier: Apache-2.0 */

/* The named locks of a "dbm" index, and the merges that wait for them. */

#include "store/dbm/dbm_lock.h"
#include "store/dbm/dbm_merge.h"
#include "store/file_lock.h"
#include "store/held_locks.h"

typedef struct dbm_held_t {
    oci_held_locks_t base;
    const oci_dbm_t *dbm;
    int merge_due;   /* whether a merge is due after the last lock */
    apr_off_t bytes; /* the size of the logs when the merge became due */
} dbm_held_t;

struct oci_lock_t {
    apr_pool_t *pool;
    oci_lock_t *file; /* in the file of locks */
    dbm_held_t *held;
};

/* If a pool ends with a lock in it, the next change does the merge. */
static apr_status_t release_named_lock(void *data)
{
    oci_lock_t *lock = data;

    if (!--lock->held->base.count) {
        oci_held_locks_unregister(&lock->held->base);
    }
    return oci_file_lock_release(lock->file);
}

apr_status_t oci_dbm_lock(oci_lock_t **result, const oci_dbm_t *dbm,
                          const char *name, oci_lock_e kind, apr_pool_t *pool)
{
    oci_lock_t *lock = apr_pcalloc(pool, sizeof(*lock));
    apr_status_t rv = oci_file_lock_take(&lock->file, dbm->lock_file, name,
                                         kind, pool);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    lock->pool = pool;
    lock->held = (dbm_held_t *)oci_held_locks_find(dbm, pool);
    if (!lock->held) {
        lock->held = apr_pcalloc(pool, sizeof(*lock->held));
        lock->held->dbm = dbm;
        oci_held_locks_register(&lock->held->base, dbm, pool);
    }
    lock->held->base.count++;
    apr_pool_cleanup_register(pool, lock, release_named_lock,
                              apr_pool_cleanup_null);
    *result = lock;
    return APR_SUCCESS;
}

apr_status_t oci_dbm_unlock(oci_lock_t *lock)
{
    dbm_held_t *held = lock->held;
    apr_status_t rv = apr_pool_cleanup_run(lock->pool, lock,
                                           release_named_lock);

    if (!held->base.count && held->merge_due) {
        oci_dbm_merge(held->dbm, held->bytes, held->base.pool);
    }
    return rv;
}

void oci_dbm_merge_unlocked(const oci_dbm_t *dbm, apr_off_t bytes,
                            apr_pool_t *pool)
{
    dbm_held_t *held = (dbm_held_t *)oci_held_locks_find(dbm, pool);

    if (held && bytes < OCI_DBM_MERGE_FORCED) {
        held->merge_due = 1;
        held->bytes = bytes;
    }
    else {
        oci_dbm_merge(dbm, bytes, pool);
    }
}
