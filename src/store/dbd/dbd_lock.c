/* SPDX-License-Identifier: Apache-2.0 */

/* Named locks in a database.
 *
 * PostgreSQL has locks of the right kind: shared and exclusive, named by a
 * number, held by a connection.  For MariaDB see dbd_sql.c.  SQLite has none;
 * it is for one machine, where a lock file suffices. */

#include <stdlib.h>

#include "apr_strings.h"

#include "values/fingerprint.h"
#include "store/dbd/dbd_lock.h"
#include "store/file_lock.h"
#include "store/held_locks.h"
#include "store/wait.h"

#define TRIES 5

/* The locks that a caller holds, with their connection. */
typedef struct dbd_held_t {
    oci_held_locks_t base;
    oci_dbd_session_t session;
} dbd_held_t;

struct oci_lock_t {
    apr_pool_t *pool;
    oci_lock_t *file; /* the lock in a file, instead of the fields below */
    dbd_held_t *held;
    const char *hash;
    const char *slot;
    oci_lock_e kind;
};

oci_dbd_session_t *oci_dbd_held_session(const oci_dbd_source_t *source,
                                        apr_pool_t *pool)
{
    dbd_held_t *held = (dbd_held_t *)oci_held_locks_find(source, pool);

    return held ? &held->session : NULL;
}

/* Open a session for locks, which is then found by its pool. */
static apr_status_t open_held(dbd_held_t **result, oci_dbd_source_t *source,
                              apr_pool_t *pool)
{
    dbd_held_t *held = apr_pcalloc(pool, sizeof(*held));
    apr_status_t rv = oci_dbd_session_open(&held->session, source,
                                           OCI_DBD_FOR_LOCKS, pool);

    if (rv != APR_SUCCESS) {
        oci_dbd_session_explain(&held->session, pool);
        return rv;
    }
    oci_held_locks_register(&held->base, source, pool);
    *result = held;
    return APR_SUCCESS;
}

static void close_held(dbd_held_t *held)
{
    oci_held_locks_unregister(&held->base);
    oci_dbd_session_close(&held->session);
}

/* Run a statement about a lock.
 * *acquired: set to whether the answer was the wanted number */
static apr_status_t query_lock(int *acquired, oci_lock_t *lock, oci_sql_e id,
                               const char *seconds, int wanted)
{
    const char *args[] = { lock->hash, lock->slot, seconds };
    apr_array_header_t *cells;
    apr_status_t rv = oci_dbd_session_select(&cells, &lock->held->session, id,
                                             args, lock->pool);

    *acquired = rv == APR_SUCCESS && cells->nelts
        && atoi(APR_ARRAY_IDX(cells, 0, const char *)) == wanted;
    return rv;
}

static apr_status_t fail_with_timeout(oci_lock_t *lock)
{
    oci_dbd_session_t *session = &lock->held->session;

    session->late = 1;
    session->why = apr_psprintf(session->pool,
                                "timed out after %d s waiting for a lock",
                                session->source->seconds);
    return APR_EGENERAL;
}

/* Acquire the first free slot; if there is none, wait for one. */
static apr_status_t acquire_free_slot(oci_lock_t *lock)
{
    oci_dbd_session_t *session = &lock->held->session;
    apr_time_t until = oci_wait_now()
        + apr_time_from_sec(session->source->seconds);
    int slots = session->dialect->slots;
    int first = slots ? (int)(apr_time_now() % slots) : 0;
    apr_status_t rv;
    int i, acquired = 0;

    for (i = 0; !acquired; i++) {
        if (i > slots && oci_wait_now() >= until) {
            return fail_with_timeout(lock);
        }
        lock->slot = apr_itoa(lock->pool, slots ? (first + i) % slots : 0);
        rv = query_lock(&acquired, lock, OCI_SQL_SHARE, i < slots ? "0" : "1",
                        1);
        if (rv != APR_SUCCESS) {
            return rv;
        }
    }
    return APR_SUCCESS;
}

/* Return the number of slots that must be acquired, or released. */
static int answers_wanted(const oci_lock_t *lock)
{
    int slots = lock->held->session.dialect->slots;

    return slots && lock->kind == OCI_LOCK_EXCLUSIVE ? slots : 1;
}

static apr_status_t acquire_slots(oci_lock_t *lock)
{
    apr_status_t rv;
    int acquired;

    if (lock->kind == OCI_LOCK_SHARED) {
        return acquire_free_slot(lock);
    }
    rv = query_lock(&acquired, lock, OCI_SQL_LOCK, NULL, answers_wanted(lock));
    return rv == APR_SUCCESS && !acquired ? fail_with_timeout(lock) : rv;
}

/* Acquire a lock on a connection.
 * *again: set to whether another connection may succeed */
static apr_status_t try_acquire(int *again, oci_lock_t *lock)
{
    oci_dbd_session_t *session = &lock->held->session;
    apr_status_t rv = session->lost ? APR_ECONNREFUSED : acquire_slots(lock);

    if (rv != APR_SUCCESS) {
        /* The server may have granted the lock, or some slots of it, all the
         * same. */
        oci_dbd_session_abandon(session);
    }
    rv = oci_dbd_session_recover(again, session, rv,
                                 lock->held->base.count > 0);
    if (rv != APR_SUCCESS) {
        oci_dbd_session_explain(session, lock->pool);
    }
    return rv;
}

static apr_status_t release_database_lock(void *data)
{
    oci_lock_t *lock = data;
    dbd_held_t *held = lock->held;
    int shared = lock->kind == OCI_LOCK_SHARED;
    apr_status_t rv;
    int acquired;

    rv = held->session.lost
        ? APR_ECONNREFUSED
        : query_lock(&acquired, lock, shared ? OCI_SQL_UNSHARE : OCI_SQL_UNLOCK,
                     NULL, answers_wanted(lock));
    if (rv != APR_SUCCESS || !acquired) {
        oci_dbd_session_explain(&held->session, lock->pool);
        held->session.lost = 1;
    }
    if (!--held->base.count) {
        close_held(held);
    }
    return held->session.lost ? APR_ECONNREFUSED : APR_SUCCESS;
}

/* Acquire a lock in the file beside the database. */
static apr_status_t acquire_file_lock(oci_lock_t *lock, const char *name)
{
    const char *path = oci_dbd_session_lock_file(&lock->held->session);

    path = apr_pstrdup(lock->pool, path);
    close_held(lock->held);
    return oci_file_lock_take(&lock->file, path, name, lock->kind, lock->pool);
}

/* Find or open a session, and acquire the lock in it. */
static apr_status_t acquire_in_session(int *again, oci_lock_t *lock,
                                       oci_dbd_source_t *source,
                                       const char *name)
{
    apr_status_t rv;

    *again = 0;
    lock->held = (dbd_held_t *)oci_held_locks_find(source, lock->pool);
    if (!lock->held
        && (rv = open_held(&lock->held, source, lock->pool)) != APR_SUCCESS) {
        *again = rv == APR_EGENERAL;
        return rv;
    }
    if (lock->held->session.dialect->is_file) {
        return acquire_file_lock(lock, name);
    }
    rv = try_acquire(again, lock);
    if (rv == APR_SUCCESS) {
        lock->held->base.count++;
        apr_pool_cleanup_register(lock->pool, lock, release_database_lock,
                                  apr_pool_cleanup_null);
    }
    else if (!lock->held->base.count) {
        close_held(lock->held);
    }
    return rv;
}

apr_status_t oci_dbd_lock(oci_lock_t **result, oci_dbd_source_t *source,
                          const char *name, oci_lock_e kind, apr_pool_t *pool)
{
    oci_lock_t *lock = apr_pcalloc(pool, sizeof(*lock));
    apr_status_t rv;
    apr_time_t until = oci_wait_now() + apr_time_from_sec(source->seconds);
    int again, tries = 0;

    lock->pool = pool;
    lock->kind = kind;
    lock->hash = apr_psprintf(pool, "%" APR_INT64_T_FMT,
                              oci_fingerprint(name, pool));
    for (;;) {
        rv = acquire_in_session(&again, lock, source, name);
        if (!again || ++tries == TRIES || oci_wait_now() >= until) {
            break;
        }
        oci_dbd_session_forget(pool);
    }
    *result = lock;
    return rv;
}

apr_status_t oci_dbd_unlock(oci_lock_t *lock)
{
    return lock->file
        ? oci_file_lock_release(lock->file)
        : apr_pool_cleanup_run(lock->pool, lock, release_database_lock);
}
