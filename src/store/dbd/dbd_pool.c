/* SPDX-License-Identifier: Apache-2.0 */

/* Connections are kept while they are in use often enough.  Each process has
 * its own: those of its parent are none of its business.  There are two
 * lists of them, see oci_dbd_use_e. */

#include <string.h>
#include <unistd.h>

#include "apr_reslist.h"
#include "apr_strings.h"
#include "apr_thread_mutex.h"

#include "store/dbd/dbd_connect.h"
#include "store/dbd/dbd_source.h"
#include "store/dbd/dbd_watch.h"
#include "store/wait.h"

#define KEEP 4  /* connections that a list keeps */
#define MOST 32 /* that a process has at most, in both */

/* Less than what dbd_sql.c lets a server wait for the next statement. */
#define IDLE apr_time_from_sec(25)

/* What a process has. */
typedef struct own_t own_t;
struct own_t {
    own_t **known_at;          /* where the source has it; NULL once the source
                                  has ended */
    apr_pool_t *pool;          /* of all that follows */
    pid_t owner;               /* the process */
    apr_thread_mutex_t *mutex; /* for connecting */
    int connecting;            /* attempts to connect that go on */
    int most[OCI_DBD_USES];
    apr_reslist_t *lists[OCI_DBD_USES];
    oci_dbd_watch_t *watch;
    oci_dbd_connect_t how;
};

typedef struct pool_source_t {
    oci_dbd_source_t base;
    oci_dbd_where_t *where;
    apr_thread_mutex_t *mutex; /* for own */
    own_t *own;
} pool_source_t;

static const char *why_not(const char *what, apr_status_t rv, apr_pool_t *pool)
{
    char text[120];

    return apr_psprintf(pool, "cannot %s: %s", what,
                        apr_strerror(rv, text, sizeof(text)));
}

/* One that is not yet connected: who gets it will do that, and can tell
 * what came of it. */
static apr_status_t make_connection(void **resource, void *data,
                                    apr_pool_t *list)
{
    oci_dbd_connection_t *connection;
    apr_pool_t *pool;
    apr_status_t rv = apr_pool_create(&pool, list);

    if (rv == APR_SUCCESS) {
        connection = apr_pcalloc(pool, sizeof(*connection));
        connection->pool = pool;
        connection->ticket = connection;
        connection->watch = ((own_t *)data)->watch;
        *resource = connection;
    }
    return rv;
}

static apr_status_t end_connection(void *resource, void *data, apr_pool_t *list)
{
    oci_dbd_connection_t *connection = resource;

    (void)data;
    (void)list;
    if (connection->handle) {
        apr_dbd_close(connection->driver, connection->handle);
    }
    apr_pool_destroy(connection->pool);
    return APR_SUCCESS;
}

/* The pool goes: connections end before their pools do.  At the end of the
 * process the pool may go before its source does. */
static apr_status_t end_lists(void *data)
{
    own_t *own = data;
    int use;

    if (!own->known_at) {
        return APR_SUCCESS; /* an attempt to connect may still use the lists */
    }
    if (*own->known_at == own) {
        *own->known_at = NULL;
    }
    for (use = 0; use < OCI_DBD_USES; use++) {
        apr_reslist_destroy(own->lists[use]);
    }
    return APR_SUCCESS;
}

/* While an attempt to connect goes on its pool must stay. */
static apr_status_t end_source(void *data)
{
    own_t *own = ((pool_source_t *)data)->own;
    int connecting;

    if (own && own->owner == getpid()) {
        apr_thread_mutex_lock(own->mutex);
        connecting = own->connecting;
        if (connecting) {
            own->known_at = NULL;
        }
        apr_thread_mutex_unlock(own->mutex);
        if (!connecting) {
            apr_pool_destroy(own->pool);
        }
    }
    return APR_SUCCESS;
}

static void count_connecting(own_t *own, int change)
{
    apr_thread_mutex_lock(own->mutex);
    own->connecting += change;
    apr_thread_mutex_unlock(own->mutex);
}

/* An attempt has ended that nobody waited for: its result is thrown away. */
static void end_late(oci_dbd_connection_t *connection, void *data)
{
    own_t *own = data;

    apr_reslist_invalidate(own->lists[connection->use], connection);
    count_connecting(own, -1);
}

static apr_status_t make_lists(own_t *own, int most, int keep, int seconds)
{
    apr_status_t rv = APR_SUCCESS;
    int use;

    own->most[OCI_DBD_FOR_LOCKS] = most > 1 ? most / 2 : 1;
    own->most[OCI_DBD_FOR_CALLS] = most > 1 ? most - most / 2 : 1;
    for (use = 0; use < OCI_DBD_USES && rv == APR_SUCCESS; use++) {
        int kept = keep < own->most[use] ? keep : own->most[use];

        rv = apr_reslist_create(&own->lists[use], 0, kept, own->most[use], IDLE,
                                make_connection, end_connection, own,
                                own->pool);
        if (rv == APR_SUCCESS) {
            apr_reslist_timeout_set(own->lists[use],
                                    apr_time_from_sec(seconds));
        }
    }
    return rv;
}

static apr_status_t make_own(own_t **result, pool_source_t *self)
{
    const oci_dbd_where_t *where = self->where;
    apr_pool_t *pool;
    apr_status_t rv = apr_pool_create(&pool, NULL);
    own_t *own;

    if (rv != APR_SUCCESS) {
        return rv;
    }
    own = apr_pcalloc(pool, sizeof(*own));
    own->pool = pool;
    own->owner = getpid();
    own->known_at = &self->own;
    own->how.driver = apr_pstrdup(pool, where->driver);
    own->how.params = oci_dbd_limit_params(where->driver, where->params,
                                           self->base.seconds, pool);
    own->how.seconds = self->base.seconds;
    own->how.late = end_late;
    own->how.data = own;
    rv = apr_thread_mutex_create(&own->mutex, APR_THREAD_MUTEX_DEFAULT, pool);
    if (rv == APR_SUCCESS && strcmp(where->driver, "sqlite3")) {
        rv = oci_dbd_watch_create(&own->watch, pool);
    }
    if (rv == APR_SUCCESS) {
        rv = make_lists(own, where->most > 0 ? where->most : MOST,
                        where->keep > 0 ? where->keep : KEEP,
                        self->base.seconds);
    }
    if (rv != APR_SUCCESS) {
        apr_pool_destroy(pool);
        return rv;
    }
    apr_pool_pre_cleanup_register(pool, own, end_lists);
    *result = own;
    return APR_SUCCESS;
}

/* What this process has. */
static apr_status_t find_own(own_t **own, pool_source_t *self)
{
    apr_status_t rv = APR_SUCCESS;

    apr_thread_mutex_lock(self->mutex);
    if (!self->own || self->own->owner != getpid()) {
        rv = make_own(&self->own, self);
        if (rv != APR_SUCCESS) {
            self->own = NULL;
        }
    }
    *own = self->own;
    apr_thread_mutex_unlock(self->mutex);
    return rv;
}

static void release(oci_dbd_source_t *source, oci_dbd_connection_t *connection)
{
    oci_dbd_connection_t *kept = connection->ticket;
    apr_reslist_t *list;

    if (kept) {
        list = ((pool_source_t *)source)->own->lists[kept->use];
        connection->ticket = NULL;
        if (connection->broken) {
            apr_reslist_invalidate(list, kept);
        }
        else {
            apr_reslist_release(list, kept);
        }
    }
}

/* Connect what is not yet; on failure there is nothing to release. */
static apr_status_t connect_kept(oci_dbd_connection_t *kept, own_t *own,
                                 const char **why, apr_pool_t *pool)
{
    apr_status_t rv;

    if (kept->handle) {
        return APR_SUCCESS;
    }
    count_connecting(own, 1);
    rv = oci_dbd_connect(kept, &own->how, why, pool);
    if (rv != APR_TIMEUP) {
        count_connecting(own, -1);
        if (rv != APR_SUCCESS) {
            apr_reslist_invalidate(own->lists[kept->use], kept);
        }
    }
    return rv;
}

static apr_status_t acquire(oci_dbd_connection_t *connection,
                            oci_dbd_source_t *source, oci_dbd_use_e use,
                            const char **why, apr_pool_t *pool)
{
    oci_dbd_connection_t *kept;
    void *resource;
    own_t *own;
    apr_status_t rv = find_own(&own, (pool_source_t *)source);

    connection->ticket = NULL;
    if (rv != APR_SUCCESS) {
        *why = why_not("set up connections", rv, pool);
        return rv;
    }
    rv = apr_reslist_acquire(own->lists[use], &resource);
    if (APR_STATUS_IS_TIMEUP(rv)) {
        *why = apr_psprintf(pool,
                            "waited %d s for a connection, all %d for "
                            "%s are in use",
                            source->seconds, own->most[use],
                            use == OCI_DBD_FOR_LOCKS ? "locks" : "calls");
        return APR_TIMEUP;
    }
    if (rv != APR_SUCCESS) {
        *why = why_not("make a connection", rv, pool);
        return rv;
    }
    kept = resource;
    kept->use = use;
    rv = connect_kept(kept, own, why, pool);
    if (rv == APR_SUCCESS) {
        *connection = *kept;
    }
    return rv;
}

/* Load the driver while there is somebody to tell. */
static const char *start(oci_dbd_source_t *source, apr_pool_t *pool)
{
    pool_source_t *self = (pool_source_t *)source;
    const apr_dbd_driver_t *driver;
    const char *error = self->where->find ? self->where->find(self->where, pool)
                                          : NULL;
    apr_status_t rv;

    if (error) {
        return error;
    }
    rv = apr_dbd_get_driver(pool, self->where->driver, &driver);
    return rv == APR_SUCCESS
        ? NULL
        : why_not(apr_psprintf(pool, "load APR's database driver %s",
                               self->where->driver),
                  rv, pool);
}

const char *oci_dbd_pool_create(oci_dbd_source_t **source,
                                oci_dbd_where_t *where, apr_pool_t *pool)
{
    pool_source_t *self = apr_pcalloc(pool, sizeof(*self));

    self->where = where;
    self->base.where = where->driver
        ? apr_pstrcat(pool, "dbd:", where->driver, NULL)
        : "dbd";
    self->base.seconds = OCI_WAIT_DATABASE_SECONDS;
    self->base.start = start;
    self->base.acquire = acquire;
    self->base.release = release;
    if (apr_dbd_init(pool) != APR_SUCCESS
        || apr_thread_mutex_create(&self->mutex, APR_THREAD_MUTEX_DEFAULT, pool)
            != APR_SUCCESS) {
        return "cannot create a mutex";
    }
    apr_pool_cleanup_register(pool, self, end_source, apr_pool_cleanup_null);
    *source = &self->base;
    return NULL;
}
