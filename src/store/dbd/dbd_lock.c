/* SPDX-License-Identifier: Apache-2.0 */

/* PostgreSQL has the locks that are wanted: shared and exclusive, named by a
 * number, held by a connection.  For MariaDB see dbd_sql.c.  SQLite has none;
 * it is for one machine, where a file will do.
 */

#include <stdlib.h>

#include "apr_strings.h"

#include "values/fingerprint.h"
#include "store/dbd/dbd_lock.h"
#include "store/file_lock.h"
#include "store/held_locks.h"
#include "store/wait.h"

#define TRIES 5

/* A connection that holds locks. */
typedef struct hold_t {
    oci_held_locks_t base;
    oci_dbd_session_t session;
} hold_t;

struct oci_lock_t {
    apr_pool_t *pool;
    oci_lock_t *file; /* instead of all that follows */
    hold_t *hold;
    const char *hash;
    const char *slot;
    oci_lock_e kind;
};

oci_dbd_session_t *oci_dbd_held(const oci_dbd_source_t *source,
                                apr_pool_t *pool)
{
    hold_t *hold = (hold_t *)oci_held_locks_find(source, pool);

    return hold ? &hold->session : NULL;
}

/* A session for locks, which is found by its pool. */
static apr_status_t make_hold(hold_t **result, oci_dbd_source_t *source,
                              apr_pool_t *pool)
{
    hold_t *hold = apr_pcalloc(pool, sizeof(*hold));
    apr_status_t rv = oci_dbd_session_open(&hold->session, source,
                                           OCI_DBD_FOR_LOCKS, pool);

    if (rv != APR_SUCCESS) {
        oci_dbd_session_explain(&hold->session, pool);
        return rv;
    }
    oci_held_locks_begin(&hold->base, source, pool);
    *result = hold;
    return APR_SUCCESS;
}

static void end_hold(hold_t *hold)
{
    oci_held_locks_end(&hold->base);
    oci_dbd_session_close(&hold->session);
}

/* One question about a lock: whether the answer was the wanted number. */
static apr_status_t ask(int *yes, oci_lock_t *lock, oci_sql_e id,
                        const char *seconds, int wanted)
{
    const char *args[] = { lock->hash, lock->slot, seconds };
    apr_array_header_t *cells;
    apr_status_t rv = oci_dbd_session_select(&cells, &lock->hold->session, id,
                                             args, lock->pool);

    *yes = rv == APR_SUCCESS && cells->nelts
        && atoi(APR_ARRAY_IDX(cells, 0, const char *)) == wanted;
    return rv;
}

static apr_status_t give_up(oci_lock_t *lock)
{
    oci_dbd_session_t *session = &lock->hold->session;

    session->late = 1;
    session->why = apr_psprintf(session->pool, "waited %d s for a lock",
                                session->source->seconds);
    return APR_EGENERAL;
}

/* Take the first slot that is free; wait for one where none is. */
static apr_status_t share(oci_lock_t *lock)
{
    oci_dbd_session_t *session = &lock->hold->session;
    apr_time_t until = oci_wait_now()
        + apr_time_from_sec(session->source->seconds);
    int slots = session->dialect->slots;
    int first = slots ? (int)(apr_time_now() % slots) : 0;
    apr_status_t rv;
    int i, yes = 0;

    for (i = 0; !yes; i++) {
        if (i > slots && oci_wait_now() >= until) {
            return give_up(lock);
        }
        lock->slot = apr_itoa(lock->pool, slots ? (first + i) % slots : 0);
        rv = ask(&yes, lock, OCI_SQL_SHARE, i < slots ? "0" : "1", 1);
        if (rv != APR_SUCCESS) {
            return rv;
        }
    }
    return APR_SUCCESS;
}

/* How many answers say that all of a lock was taken, or given back. */
static int parts(const oci_lock_t *lock)
{
    int slots = lock->hold->session.dialect->slots;

    return slots && lock->kind == OCI_LOCK_EXCLUSIVE ? slots : 1;
}

static apr_status_t take(oci_lock_t *lock)
{
    apr_status_t rv;
    int yes;

    if (lock->kind == OCI_LOCK_SHARED) {
        return share(lock);
    }
    rv = ask(&yes, lock, OCI_SQL_LOCK, NULL, parts(lock));
    return rv == APR_SUCCESS && !yes ? give_up(lock) : rv;
}

/* Take a lock on a connection.
 * *again: whether another connection may have better luck */
static apr_status_t try_take(int *again, oci_lock_t *lock)
{
    oci_dbd_session_t *session = &lock->hold->session;
    apr_status_t rv = session->lost ? APR_ECONNREFUSED : take(lock);

    if (rv != APR_SUCCESS) {
        /* A lock, or some slots of it, may have been given all the same. */
        oci_dbd_session_abandon(session);
    }
    rv = oci_dbd_session_judge(again, session, rv, lock->hold->base.count > 0);
    if (rv != APR_SUCCESS) {
        oci_dbd_session_explain(session, lock->pool);
    }
    return rv;
}

static apr_status_t end_lock(void *data)
{
    oci_lock_t *lock = data;
    hold_t *hold = lock->hold;
    int shared = lock->kind == OCI_LOCK_SHARED;
    apr_status_t rv;
    int yes;

    rv = hold->session.lost
        ? APR_ECONNREFUSED
        : ask(&yes, lock, shared ? OCI_SQL_UNSHARE : OCI_SQL_UNLOCK, NULL,
              parts(lock));
    if (rv != APR_SUCCESS || !yes) {
        oci_dbd_session_explain(&hold->session, lock->pool);
        hold->session.lost = 1;
    }
    if (!--hold->base.count) {
        end_hold(hold);
    }
    return hold->session.lost ? APR_ECONNREFUSED : APR_SUCCESS;
}

/* The lock of a database in a file. */
static apr_status_t lock_file(oci_lock_t *lock, const char *name)
{
    const char *path = oci_dbd_session_lock_file(&lock->hold->session);

    path = apr_pstrdup(lock->pool, path);
    end_hold(lock->hold);
    return oci_file_lock_take(&lock->file, path, name, lock->kind, lock->pool);
}

/* Find or open a session, and take the lock in it. */
static apr_status_t take_anywhere(int *again, oci_lock_t *lock,
                                  oci_dbd_source_t *source, const char *name)
{
    apr_status_t rv;

    *again = 0;
    lock->hold = (hold_t *)oci_held_locks_find(source, lock->pool);
    if (!lock->hold
        && (rv = make_hold(&lock->hold, source, lock->pool)) != APR_SUCCESS) {
        *again = rv == APR_EGENERAL;
        return rv;
    }
    if (lock->hold->session.dialect->is_file) {
        return lock_file(lock, name);
    }
    rv = try_take(again, lock);
    if (rv == APR_SUCCESS) {
        lock->hold->base.count++;
        apr_pool_cleanup_register(lock->pool, lock, end_lock,
                                  apr_pool_cleanup_null);
    }
    else if (!lock->hold->base.count) {
        end_hold(lock->hold);
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
    do {
        rv = take_anywhere(&again, lock, source, name);
    } while (again && ++tries < TRIES && oci_wait_now() < until);
    *result = lock;
    return rv;
}

apr_status_t oci_dbd_unlock(oci_lock_t *lock)
{
    return lock->file ? oci_file_lock_release(lock->file)
                      : apr_pool_cleanup_run(lock->pool, lock, end_lock);
}
