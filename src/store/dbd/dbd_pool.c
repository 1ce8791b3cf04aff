/* SPDX-License-Identifier: Apache-2.0 */

/* A pool of connections.
 *
 * Connections are kept as long as they are used often enough.  Each process has
 * its own pool, and leaves the connections of its parent alone.  A pool has two
 * lists of connections, see oci_dbd_use_e. */

#include <string.h>
#include <unistd.h>

#include "apr_atomic.h"
#include "apr_reslist.h"
#include "apr_strings.h"
#include "apr_thread_mutex.h"

#include "store/dbd/dbd_connect.h"
#include "store/dbd/dbd_signals.h"
#include "store/dbd/dbd_source.h"
#include "store/dbd/dbd_watch.h"
#include "store/wait.h"

#define DEFAULT_KEEP 4  /* idle connections of a list */
#define DEFAULT_MOST 32 /* connections of a process, in both lists */

/* Less than the time that a server waits for the next statement, see
 * dbd_sql.c. */
#define IDLE apr_time_from_sec(25)

/* The pool of one process. */
typedef struct conn_pool_t conn_pool_t;
struct conn_pool_t {
    conn_pool_t **in_source;   /* the source's pointer to it; NULL after the
                                     end of the source */
    apr_pool_t *pool;          /* holds the fields below */
    pid_t owner;               /* the process that it belongs to */
    apr_thread_mutex_t *mutex; /* guards connecting */
    int connecting;            /* the number of running attempts to connect */
    int most[OCI_DBD_USES];
    apr_uint32_t wanted[OCI_DBD_USES]; /* connections in use, and callers that
                                          wait for one */
    oci_dbd_observer_t *observer;      /* or NULL */
    apr_reslist_t *lists[OCI_DBD_USES];
    oci_dbd_watch_t *watch;
    oci_dbd_connect_t connect;
};

typedef struct pool_source_t {
    oci_dbd_source_t base;
    oci_dbd_settings_t *settings;
    apr_thread_mutex_t *mutex; /* guards conns */
    conn_pool_t *conns;
} pool_source_t;

static const char *explain_error(const char *what, apr_status_t rv,
                                 apr_pool_t *pool)
{
    char text[120];

    return apr_psprintf(pool, "cannot %s: %s", what,
                        apr_strerror(rv, text, sizeof(text)));
}

/* Create a connection that is not connected yet: its first user connects, and
 * can report an error. */
static apr_status_t create_connection(void **resource, void *data,
                                      apr_pool_t *list)
{
    oci_dbd_connection_t *connection;
    apr_pool_t *pool;
    apr_status_t rv = apr_pool_create(&pool, list);

    if (rv == APR_SUCCESS) {
        connection = apr_pcalloc(pool, sizeof(*connection));
        connection->pool = pool;
        connection->ticket = connection;
        connection->watch = ((conn_pool_t *)data)->watch;
        *resource = connection;
    }
    return rv;
}

static apr_status_t destroy_connection(void *resource, void *data,
                                       apr_pool_t *list)
{
    oci_dbd_connection_t *connection = resource;
    sigset_t before;

    (void)data;
    (void)list;
    oci_dbd_signals_hold(&before);
    if (connection->handle) {
        apr_dbd_close(connection->driver, connection->handle);
    }
    apr_pool_destroy(connection->pool);
    oci_dbd_signals_release(&before);
    return APR_SUCCESS;
}

/* Close the connections before their pools end.  At the end of the process the
 * pool may end before the source does. */
static apr_status_t destroy_lists(void *data)
{
    conn_pool_t *conns = data;
    int use;

    if (!conns->in_source) {
        return APR_SUCCESS; /* a running attempt to connect may still use the
                               lists */
    }
    if (*conns->in_source == conns) {
        *conns->in_source = NULL;
    }
    for (use = 0; use < OCI_DBD_USES; use++) {
        apr_reslist_destroy(conns->lists[use]);
    }
    return APR_SUCCESS;
}

/* The pool must outlive a running attempt to connect. */
static apr_status_t end_source(void *data)
{
    conn_pool_t *conns = ((pool_source_t *)data)->conns;
    int connecting;

    if (conns && conns->owner == getpid()) {
        apr_thread_mutex_lock(conns->mutex);
        connecting = conns->connecting;
        if (connecting) {
            conns->in_source = NULL;
            conns->observer = NULL;
        }
        apr_thread_mutex_unlock(conns->mutex);
        if (!connecting) {
            apr_pool_destroy(conns->pool);
        }
    }
    return APR_SUCCESS;
}

static void count_connecting(conn_pool_t *conns, int change)
{
    apr_thread_mutex_lock(conns->mutex);
    conns->connecting += change;
    apr_thread_mutex_unlock(conns->mutex);
}

static void tell(const conn_pool_t *conns, oci_dbd_event_e event,
                 oci_dbd_use_e use, apr_int64_t number)
{
    if (conns->observer) {
        conns->observer(event, use, number);
    }
}

/* Take a connection from a list, and wait for one if all are in use. */
static apr_status_t take(oci_dbd_connection_t **pooled, conn_pool_t *conns,
                         oci_dbd_use_e use)
{
    int busy = apr_atomic_inc32(&conns->wanted[use])
        >= (apr_uint32_t)conns->most[use];
    apr_time_t begun = busy ? oci_wait_now() : 0;
    void *resource;
    apr_status_t rv;

    if (busy) {
        tell(conns, OCI_DBD_WAITING, use, 1);
    }
    rv = apr_reslist_acquire(conns->lists[use], &resource);
    if (busy) {
        tell(conns, OCI_DBD_WAITING, use, -1);
        tell(conns, OCI_DBD_WAITED, use, oci_wait_now() - begun);
    }
    if (rv != APR_SUCCESS) {
        apr_atomic_dec32(&conns->wanted[use]);
        return rv;
    }
    *pooled = resource;
    (*pooled)->use = use;
    tell(conns, OCI_DBD_IN_USE, use, 1);
    return APR_SUCCESS;
}

/* Return a connection to its list.
 * @param broken Whether to close it */
static void give_back(conn_pool_t *conns, oci_dbd_connection_t *pooled,
                      int broken)
{
    oci_dbd_use_e use = pooled->use;

    if (broken) {
        apr_reslist_invalidate(conns->lists[use], pooled);
    }
    else {
        apr_reslist_release(conns->lists[use], pooled);
    }
    apr_atomic_dec32(&conns->wanted[use]);
    tell(conns, OCI_DBD_IN_USE, use, -1);
}

/* Discard the result of an attempt whose caller stopped waiting. */
static void discard_late(oci_dbd_connection_t *connection, void *data)
{
    conn_pool_t *conns = data;
    oci_dbd_use_e use = connection->use;

    apr_reslist_invalidate(conns->lists[use], connection);
    apr_atomic_dec32(&conns->wanted[use]);
    apr_thread_mutex_lock(conns->mutex); /* end_source removes the observer */
    tell(conns, OCI_DBD_IN_USE, use, -1);
    conns->connecting--;
    apr_thread_mutex_unlock(conns->mutex);
}

/* Each list allocates memory under its own mutex, so each has its own pool. */
static apr_status_t create_lists(conn_pool_t *conns, int most, int keep,
                                 int seconds)
{
    apr_status_t rv = APR_SUCCESS;
    apr_pool_t *pool;
    int use;

    conns->most[OCI_DBD_FOR_LOCKS] = most > 1 ? most / 2 : 1;
    conns->most[OCI_DBD_FOR_CALLS] = most > 1 ? most - most / 2 : 1;
    for (use = 0; use < OCI_DBD_USES && rv == APR_SUCCESS; use++) {
        int idle = keep < conns->most[use] ? keep : conns->most[use];

        rv = apr_pool_create(&pool, conns->pool);
        if (rv == APR_SUCCESS) {
            rv = apr_reslist_create(&conns->lists[use], 0, idle,
                                    conns->most[use], IDLE, create_connection,
                                    destroy_connection, conns, pool);
        }
        if (rv == APR_SUCCESS) {
            apr_reslist_timeout_set(conns->lists[use],
                                    apr_time_from_sec(seconds));
        }
    }
    return rv;
}

static apr_status_t create_conn_pool(conn_pool_t **result, pool_source_t *self)
{
    const oci_dbd_settings_t *settings = self->settings;
    apr_pool_t *pool;
    apr_status_t rv = apr_pool_create(&pool, NULL);
    conn_pool_t *conns;
    int use;

    if (rv != APR_SUCCESS) {
        return rv;
    }
    conns = apr_pcalloc(pool, sizeof(*conns));
    conns->pool = pool;
    conns->owner = getpid();
    conns->in_source = &self->conns;
    conns->observer = self->base.observer;
    conns->connect.driver = apr_pstrdup(pool, settings->driver);
    conns->connect.params = oci_dbd_params_with_limits(settings->driver,
                                                       settings->params,
                                                       self->base.seconds,
                                                       pool);
    conns->connect.seconds = self->base.seconds;
    conns->connect.late = discard_late;
    conns->connect.data = conns;
    rv = apr_thread_mutex_create(&conns->mutex, APR_THREAD_MUTEX_DEFAULT, pool);
    if (rv == APR_SUCCESS && strcmp(settings->driver, "sqlite3")) {
        rv = oci_dbd_watch_create(&conns->watch, pool);
    }
    if (rv == APR_SUCCESS) {
        rv = create_lists(conns,
                          settings->most > 0 ? settings->most : DEFAULT_MOST,
                          settings->keep > 0 ? settings->keep : DEFAULT_KEEP,
                          self->base.seconds);
    }
    if (rv != APR_SUCCESS) {
        apr_pool_destroy(pool);
        return rv;
    }
    apr_pool_pre_cleanup_register(pool, conns, destroy_lists);
    for (use = 0; use < OCI_DBD_USES; use++) {
        tell(conns, OCI_DBD_LIMIT, use, conns->most[use]);
    }
    *result = conns;
    return APR_SUCCESS;
}

/* Find or create the pool of this process. */
static apr_status_t find_conn_pool(conn_pool_t **conns, pool_source_t *self)
{
    apr_status_t rv = APR_SUCCESS;

    apr_thread_mutex_lock(self->mutex);
    if (!self->conns || self->conns->owner != getpid()) {
        rv = create_conn_pool(&self->conns, self);
        if (rv != APR_SUCCESS) {
            self->conns = NULL;
        }
    }
    *conns = self->conns;
    apr_thread_mutex_unlock(self->mutex);
    return rv;
}

static void release(oci_dbd_source_t *source, oci_dbd_connection_t *connection)
{
    oci_dbd_connection_t *pooled = connection->ticket;

    if (pooled) {
        connection->ticket = NULL;
        give_back(((pool_source_t *)source)->conns, pooled, connection->broken);
    }
}

/* Connect a connection unless it is connected.  After a failure there is
 * nothing to release. */
static apr_status_t connect_if_needed(oci_dbd_connection_t *pooled,
                                      conn_pool_t *conns, const char **why,
                                      apr_pool_t *pool)
{
    oci_dbd_use_e use;
    apr_status_t rv;

    if (pooled->handle) {
        return APR_SUCCESS;
    }
    count_connecting(conns, 1);
    use = pooled->use; /* a late attempt may end it */
    rv = oci_dbd_connect(pooled, &conns->connect, why, pool);
    if (rv != APR_TIMEUP) {
        count_connecting(conns, -1);
        if (rv != APR_SUCCESS) {
            give_back(conns, pooled, 1);
        }
    }
    if (rv != APR_SUCCESS) {
        tell(conns, OCI_DBD_REFUSED, use, 1);
    }
    return rv;
}

static apr_status_t acquire(oci_dbd_connection_t *connection,
                            oci_dbd_source_t *source, oci_dbd_use_e use,
                            const char **why, apr_pool_t *pool)
{
    oci_dbd_connection_t *pooled;
    conn_pool_t *conns;
    apr_status_t rv = find_conn_pool(&conns, (pool_source_t *)source);

    connection->ticket = NULL;
    if (rv != APR_SUCCESS) {
        *why = explain_error("set up connections", rv, pool);
        return rv;
    }
    rv = take(&pooled, conns, use);
    if (APR_STATUS_IS_TIMEUP(rv)) {
        tell(conns, OCI_DBD_TIMED_OUT, use, 1);
        *why = apr_psprintf(pool,
                            "timed out after %d s waiting for a connection: "
                            "all %d connections for %s are in use",
                            source->seconds, conns->most[use],
                            use == OCI_DBD_FOR_LOCKS ? "locks" : "calls");
        return APR_TIMEUP;
    }
    if (rv != APR_SUCCESS) {
        *why = explain_error("create a connection", rv, pool);
        return rv;
    }
    rv = connect_if_needed(pooled, conns, why, pool);
    if (rv == APR_SUCCESS) {
        *connection = *pooled;
    }
    return rv;
}

/* Load the driver at the start, when an error can be reported. */
static const char *start(oci_dbd_source_t *source, apr_pool_t *pool)
{
    pool_source_t *self = (pool_source_t *)source;
    const apr_dbd_driver_t *driver;
    const char *error = self->settings->find
        ? self->settings->find(self->settings, pool)
        : NULL;
    apr_status_t rv;

    if (error) {
        return error;
    }
    source->init = self->settings->init;
    rv = apr_dbd_get_driver(pool, self->settings->driver, &driver);
    return rv == APR_SUCCESS
        ? NULL
        : explain_error(apr_psprintf(pool, "load APR's database driver %s",
                                     self->settings->driver),
                        rv, pool);
}

const char *oci_dbd_source_create(oci_dbd_source_t **source,
                                  oci_dbd_settings_t *settings,
                                  apr_pool_t *pool)
{
    pool_source_t *self = apr_pcalloc(pool, sizeof(*self));

    self->settings = settings;
    self->base.where = settings->driver
        ? apr_pstrcat(pool, "dbd:", settings->driver, NULL)
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
