/* SPDX-License-Identifier: Apache-2.0 */

/* A thread that ends the wait for a database that does not answer. */

#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>

#include "apr_thread_cond.h"
#include "apr_thread_mutex.h"

#include "store/dbd/dbd_watch.h"
#include "store/wait.h"

#define TICK apr_time_from_msec(100)

struct oci_dbd_watch_t {
    apr_thread_mutex_t *mutex; /* guards the fields below */
    apr_thread_cond_t *wake;
    oci_dbd_watched_t *first;
    int idle; /* the thread sleeps until it is signalled */
    int stop; /* 1: the thread must end; 2: it has ended */
};

apr_status_t oci_dbd_thread_start(void *(*run)(void *data), void *data)
{
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all, before;
    int error = pthread_attr_init(&attributes);

    if (error) {
        return error;
    }
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    error = pthread_create(&thread, &attributes, run, data);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return error;
}

/* Shut down the sockets of overdue statements.  They are still open: a
 * statement does not end before it is removed from the list. */
static void shut_down_overdue(oci_dbd_watch_t *self)
{
    apr_time_t now = oci_wait_now();
    oci_dbd_watched_t *watched;

    for (watched = self->first; watched; watched = watched->next) {
        if (!watched->cut && now >= watched->at) {
            watched->cut = 1;
            shutdown(watched->socket, SHUT_RDWR);
        }
    }
}

/* The thread sleeps only after a tick without statements: signalling it for
 * each statement would cost more than some statements do. */
static void *watch(void *data)
{
    oci_dbd_watch_t *self = data;

    apr_thread_mutex_lock(self->mutex);
    while (!self->stop) {
        self->idle = !self->first;
        if (self->idle) {
            apr_thread_cond_wait(self->wake, self->mutex);
            self->idle = 0;
        }
        if (!self->stop) {
            apr_thread_cond_timedwait(self->wake, self->mutex, TICK);
            shut_down_overdue(self);
        }
    }
    self->stop = 2;
    apr_thread_cond_broadcast(self->wake);
    apr_thread_mutex_unlock(self->mutex);
    return NULL;
}

static apr_status_t end_watch(void *data)
{
    oci_dbd_watch_t *self = data;

    apr_thread_mutex_lock(self->mutex);
    self->stop = 1;
    apr_thread_cond_broadcast(self->wake);
    while (self->stop != 2) {
        apr_thread_cond_wait(self->wake, self->mutex);
    }
    apr_thread_mutex_unlock(self->mutex);
    return APR_SUCCESS;
}

apr_status_t oci_dbd_watch_create(oci_dbd_watch_t **result, apr_pool_t *pool)
{
    oci_dbd_watch_t *self = apr_pcalloc(pool, sizeof(*self));
    apr_status_t rv = apr_thread_mutex_create(&self->mutex,
                                              APR_THREAD_MUTEX_DEFAULT, pool);

    if (rv == APR_SUCCESS) {
        rv = apr_thread_cond_create(&self->wake, pool);
    }
    if (rv == APR_SUCCESS) {
        rv = oci_dbd_thread_start(watch, self);
    }
    if (rv == APR_SUCCESS) {
        apr_pool_pre_cleanup_register(pool, self, end_watch);
    }
    *result = self;
    return rv;
}

void oci_dbd_watch_begin(oci_dbd_watch_t *self, oci_dbd_watched_t *watched,
                         int socket, apr_interval_time_t limit)
{
    watched->at = oci_wait_now() + limit;
    watched->socket = socket;
    watched->cut = 0;
    if (socket == -1) {
        return;
    }
    apr_thread_mutex_lock(self->mutex);
    watched->next = self->first;
    self->first = watched;
    if (self->idle) {
        apr_thread_cond_signal(self->wake);
    }
    apr_thread_mutex_unlock(self->mutex);
}

void oci_dbd_watch_end(oci_dbd_watch_t *self, oci_dbd_watched_t *watched)
{
    oci_dbd_watched_t **link;

    if (watched->socket == -1) {
        return;
    }
    apr_thread_mutex_lock(self->mutex);
    for (link = &self->first; *link && *link != watched;) {
        link = &(*link)->next;
    }
    if (*link) {
        *link = watched->next;
    }
    apr_thread_mutex_unlock(self->mutex);
}
