/* SPDX-License-Identifier: Apache-2.0 */

/* Connecting to a database within a time limit.
 *
 * A driver connects without a limit, or with one that a slow resolver or a
 * frozen server exceeds.  So a thread connects, and the caller waits for it no
 * longer than the limit. */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* RTLD_DEFAULT */
#endif

#include <dlfcn.h>
#include <string.h>

#include "apr_strings.h"
#include "apr_thread_cond.h"
#include "apr_thread_mutex.h"

#include "store/dbd/dbd_connect.h"
#include "store/dbd/dbd_signals.h"
#include "store/dbd/dbd_watch.h"
#include "store/wait.h"

typedef struct attempt_t {
    oci_dbd_connection_t *connection;
    const oci_dbd_connect_t *how;
    apr_thread_mutex_t *mutex; /* guards the fields below */
    apr_thread_cond_t *wake;
    int done;
    int abandoned;
    apr_status_t rv;
    const char *error;
} attempt_t;

/* Find the function that returns a connection's socket.  The client library is
 * loaded when its driver is: nothing is linked against it. */
static oci_dbd_socket_fn *find_socket(const char *driver)
{
    const char *name = NULL;
    oci_dbd_socket_fn *function = NULL;

    if (!strcmp(driver, "pgsql")) {
        name = "PQsocket";
    }
    else if (!strcmp(driver, "mysql")) {
        name = "mysql_get_socket";
    }

    if (name) {
        *(void **)&function = dlsym(RTLD_DEFAULT, name);
    }
    return function;
}

static apr_status_t connect_here(oci_dbd_connection_t *connection,
                                 const oci_dbd_connect_t *how,
                                 const char **error)
{
    apr_status_t rv = apr_dbd_get_driver(connection->pool, how->driver,
                                         &connection->driver);

    *error = NULL;
    if (rv == APR_SUCCESS) {
        rv = apr_dbd_open_ex(connection->driver, connection->pool, how->params,
                             &connection->handle, error);
    }
    if (rv != APR_SUCCESS) {
        connection->handle = NULL;
        /* the driver has just freed the memory of this text */
        *error = strcmp(how->driver, "mysql")
            ? *error
            : "cannot connect to the MariaDB server with these parameters";
    }
    connection->find_socket = find_socket(how->driver);
    return rv;
}

static void *run_attempt(void *data)
{
    attempt_t *self = data;
    const char *error;
    apr_status_t rv = connect_here(self->connection, self->how, &error);
    int abandoned;

    apr_thread_mutex_lock(self->mutex);
    self->rv = rv;
    self->error = error;
    self->done = 1;
    abandoned = self->abandoned;
    if (!abandoned) {
        apr_thread_cond_signal(self->wake);
    }
    apr_thread_mutex_unlock(self->mutex);
    if (abandoned) {
        self->how->late(self->connection, self->how->data);
    }
    return NULL;
}

/* Wait for the attempt; return whether it is done. */
static int wait_for(attempt_t *self)
{
    apr_time_t now = oci_wait_now();
    apr_time_t until = now + apr_time_from_sec(self->how->seconds);
    int done;

    apr_thread_mutex_lock(self->mutex);
    while (!self->done && now < until) {
        apr_thread_cond_timedwait(self->wake, self->mutex, until - now);
        now = oci_wait_now();
    }
    done = self->done;
    self->abandoned = !done;
    apr_thread_mutex_unlock(self->mutex);
    return done;
}

static apr_status_t connect_in_thread(oci_dbd_connection_t *connection,
                                      const oci_dbd_connect_t *how,
                                      const char **error, apr_pool_t *pool)
{
    attempt_t *self = apr_pcalloc(connection->pool, sizeof(*self));
    apr_status_t rv;

    self->connection = connection;
    self->how = how;
    rv = apr_thread_mutex_create(&self->mutex, APR_THREAD_MUTEX_DEFAULT,
                                 connection->pool);
    if (rv == APR_SUCCESS) {
        rv = apr_thread_cond_create(&self->wake, connection->pool);
    }
    if (rv == APR_SUCCESS) {
        rv = oci_dbd_thread_start(run_attempt, self);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (!wait_for(self)) {
        *error = apr_psprintf(pool, "cannot connect within %d s", how->seconds);
        return APR_TIMEUP;
    }
    *error = self->error;
    return self->rv;
}

/* A file opens at once. */
static apr_status_t open_file(oci_dbd_connection_t *connection,
                              const oci_dbd_connect_t *how, const char **error)
{
    sigset_t before;
    apr_status_t rv;

    oci_dbd_signals_hold(&before);
    rv = connect_here(connection, how, error);
    oci_dbd_signals_release(&before);
    return rv;
}

apr_status_t oci_dbd_connect(oci_dbd_connection_t *connection,
                             const oci_dbd_connect_t *how, const char **why,
                             apr_pool_t *pool)
{
    const char *error = NULL;
    apr_status_t rv = strcmp(how->driver, "sqlite3")
        ? connect_in_thread(connection, how, &error, pool)
        : open_file(connection, how, &error);

    if (rv != APR_SUCCESS) {
        *why = apr_pstrdup(pool, error ? error : "cannot connect");
    }
    return rv;
}

int oci_dbd_socket(const oci_dbd_connection_t *connection)
{
    return connection->find_socket ? connection->find_socket(
               apr_dbd_native_handle(connection->driver, connection->handle))
                                   : -1;
}

/* Find the value of a parameter; NULL if params do not name it.
 * separators: the characters between parameters */
static const char *find_param(const char *params, const char *name,
                              const char *separators)
{
    apr_size_t length = strlen(name);
    const char *at = params;

    while ((at = strstr(at, name))) {
        const char *end = at + length;

        if ((at == params || strchr(separators, at[-1]))
            && end[strspn(end, " ")] == '=') {
            return strchr(end, '=') + 1;
        }
        at = end;
    }
    return NULL;
}

const char *oci_dbd_params_database(const char *driver, const char *params,
                                    apr_pool_t *pool)
{
    const char *separators = strcmp(driver, "pgsql") ? " \t,;|" : " \t";
    const char *value = find_param(params, "dbname", separators);
    apr_size_t length;

    if (!value || find_param(value, "dbname", separators)
        || strpbrk(params, "'\"\\") || strstr(params, "= ")
        || strstr(params, "=\t")) {
        return NULL;
    }
    length = strspn(value, "abcdefghijklmnopqrstuvwxyz0123456789_-");
    return length && (!value[length] || strchr(separators, value[length]))
        ? apr_pstrmemdup(pool, value, length)
        : NULL;
}

/* Whether parameters have the form of a URL, which libpq knows.  A password may
 * contain "://". */
static int is_url(const char *driver, const char *params)
{
    return !strcmp(driver, "pgsql")
        && (!strncmp(params, "postgresql://", 13)
            || !strncmp(params, "postgres://", 11));
}

const char *oci_dbd_params_with_limits(const char *driver, const char *params,
                                       int seconds, apr_pool_t *pool)
{
    /* in seconds, but tcp_user_timeout in milliseconds */
    const char *pgsql[][2] = {
        { "connect_timeout", apr_itoa(pool, seconds < 2 ? 2 : seconds) },
        { "tcp_user_timeout", apr_itoa(pool, 1000 * seconds) },
        { "keepalives", "1" },
        { "keepalives_idle", "10" },
        { "keepalives_interval", "5" },
        { "keepalives_count", "3" },
        { NULL, NULL },
    };
    /* a driver that reconnects by itself has no limit for that */
    const char *mysql[][2] = { { "reconnect", "0" }, { NULL, NULL } };
    const char *none[][2] = { { NULL, NULL } };
    const char *(*limits)[2] = none;

    if (!strcmp(driver, "pgsql")) {
        limits = pgsql;
    }
    else if (!strcmp(driver, "mysql")) {
        limits = mysql;
    }

    for (; (*limits)[0]; limits++) {
        const char *separator = " ";

        if (is_url(driver, params)) {
            separator = strchr(params, '?') ? "&" : "?";
        }

        if (!find_param(params, (*limits)[0], " \t,;?&|")) {
            params = apr_pstrcat(pool, params, separator, (*limits)[0], "=",
                                 (*limits)[1], NULL);
        }
    }
    return params;
}
