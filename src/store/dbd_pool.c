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

/* Connections are kept while they are in use often enough.  Each process has
 * its own: those of its parent are none of its business. */

#include <unistd.h>

#include "apr_reslist.h"
#include "apr_strings.h"
#include "apr_thread_mutex.h"

#include "store/dbd_source.h"

#define KEEP 8                 /* connections that a process keeps */
#define MOST 32                /* and has at most */
#define IDLE apr_time_from_sec(60)

typedef struct pool_source_t {
    oci_dbd_source_t base;
    const char *driver;
    const char *params;
    apr_thread_mutex_t *mutex; /* for what follows */
    apr_reslist_t *list;
    apr_pool_t *pool;          /* of the list */
    pid_t owner;               /* the process whose list it is */
} pool_source_t;

/* One that is not yet connected: who gets it will do that, and can tell
 * what came of it. */
static apr_status_t make_connection(void **resource, void *data,
                                    apr_pool_t *list)
{
    oci_dbd_connection_t *connection;
    apr_pool_t *pool;
    apr_status_t rv = apr_pool_create(&pool, list);

    (void)data;
    if (rv == APR_SUCCESS) {
        connection = apr_pcalloc(pool, sizeof(*connection));
        connection->pool = pool;
        connection->ticket = connection;
        *resource = connection;
    }
    return rv;
}

static apr_status_t end_connection(void *resource, void *data,
                                   apr_pool_t *list)
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

/* The list's pool goes: connections end before their pools do. */
static apr_status_t end_list(void *data)
{
    pool_source_t *self = data;

    apr_reslist_destroy(self->list);
    self->list = NULL;
    return APR_SUCCESS;
}

static apr_status_t end_source(void *data)
{
    pool_source_t *self = data;

    if (self->list && self->owner == getpid()) {
        apr_pool_destroy(self->pool);
    }
    return APR_SUCCESS;
}

/* The list of this process. */
static apr_status_t find_list(apr_reslist_t **list, pool_source_t *self)
{
    apr_status_t rv = APR_SUCCESS;

    apr_thread_mutex_lock(self->mutex);
    if (!self->list || self->owner != getpid()) {
        rv = apr_pool_create(&self->pool, NULL);
        if (rv == APR_SUCCESS) {
            rv = apr_reslist_create(&self->list, 0, KEEP, MOST, IDLE,
                                    make_connection, end_connection, NULL,
                                    self->pool);
        }
        if (rv == APR_SUCCESS) {
            apr_pool_pre_cleanup_register(self->pool, self, end_list);
        }
        self->owner = getpid();
    }
    *list = self->list;
    apr_thread_mutex_unlock(self->mutex);
    return rv;
}

static apr_status_t connect_now(oci_dbd_connection_t *connection,
                                const pool_source_t *self, const char **why,
                                apr_pool_t *pool)
{
    const char *error = NULL;
    apr_status_t rv = apr_dbd_get_driver(connection->pool, self->driver,
                                         &connection->driver);

    if (rv == APR_SUCCESS) {
        rv = apr_dbd_open_ex(connection->driver, connection->pool,
                             self->params, &connection->handle, &error);
    }
    if (rv != APR_SUCCESS) {
        *why = apr_pstrdup(pool, error ? error : "can't connect");
        connection->handle = NULL;
    }
    return rv;
}

static void release(oci_dbd_source_t *source,
                    oci_dbd_connection_t *connection)
{
    oci_dbd_connection_t *kept = connection->ticket;

    if (connection->broken) {
        apr_dbd_close(kept->driver, kept->handle);
        kept->handle = NULL;
    }
    apr_reslist_release(((pool_source_t *)source)->list, kept);
}

static apr_status_t acquire(oci_dbd_connection_t *connection,
                            oci_dbd_source_t *source, const char **why,
                            apr_pool_t *pool)
{
    pool_source_t *self = (pool_source_t *)source;
    oci_dbd_connection_t *kept;
    apr_reslist_t *list;
    apr_status_t rv = find_list(&list, self);
    void *resource;

    *why = "no more connections";
    if (rv == APR_SUCCESS) {
        rv = apr_reslist_acquire(list, &resource);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    kept = resource;
    if (!kept->handle) {
        rv = connect_now(kept, self, why, pool);
    }
    *connection = *kept;
    if (rv != APR_SUCCESS) {
        release(source, connection);
    }
    return rv;
}

/* Load the driver while there is somebody to tell. */
static const char *start(oci_dbd_source_t *source, apr_pool_t *pool)
{
    pool_source_t *self = (pool_source_t *)source;
    const apr_dbd_driver_t *driver;
    char text[120];
    apr_status_t rv = apr_dbd_get_driver(pool, self->driver, &driver);

    return rv == APR_SUCCESS ? NULL
        : apr_psprintf(pool, "APR cannot load its database driver %s: %s",
                       self->driver, apr_strerror(rv, text, sizeof(text)));
}

const char *oci_dbd_pool_create(oci_dbd_source_t **source,
                                const char *driver, const char *params,
                                apr_pool_t *pool)
{
    pool_source_t *self = apr_pcalloc(pool, sizeof(*self));

    self->driver = driver;
    self->params = params;
    self->base.where = apr_pstrcat(pool, "dbd:", driver, NULL);
    self->base.start = start;
    self->base.acquire = acquire;
    self->base.release = release;
    if (apr_dbd_init(pool) != APR_SUCCESS
        || apr_thread_mutex_create(&self->mutex, APR_THREAD_MUTEX_DEFAULT,
                                   pool) != APR_SUCCESS) {
        return "cannot create a mutex";
    }
    apr_pool_cleanup_register(pool, self, end_source, apr_pool_cleanup_null);
    *source = &self->base;
    return NULL;
}
