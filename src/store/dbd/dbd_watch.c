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
    apr_thread_mutex_t *mutex; /* for what follows */
    apr_thread_cond_t *wake;
    oci_dbd_due_t *first;
    int idle; /* the thread sleeps until it is woken */
    int end;  /* the thread shall end, or has ended */
};

apr_status_t oci_dbd_thread(void *(*run)(void *data), void *data)
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

/* End what is overdue.  The socket is still open: its statement is not
 * ended before it is taken off the list. */
static void cut_overdue(oci_dbd_watch_t *self)
{
    apr_time_t now = oci_wait_now();
    oci_dbd_due_t *due;

    for (due = self->first; due; due = due->next) {
        if (!due->cut && now >= due->at) {
            due->cut = 1;
            shutdown(due->socket, SHUT_RDWR);
        }
    }
}

/* The thread sleeps only after a tick without statements: to wake it for
 * each of them would cost more than some statements do. */
static void *watch(void *data)
{
    oci_dbd_watch_t *self = data;

    apr_thread_mutex_lock(self->mutex);
    while (!self->end) {
        self->idle = !self->first;
        if (self->idle) {
            apr_thread_cond_wait(self->wake, self->mutex);
            self->idle = 0;
        }
        if (!self->end) {
            apr_thread_cond_timedwait(self->wake, self->mutex, TICK);
            cut_overdue(self);
        }
    }
    self->end = 2;
    apr_thread_cond_broadcast(self->wake);
    apr_thread_mutex_unlock(self->mutex);
    return NULL;
}

static apr_status_t end_watch(void *data)
{
    oci_dbd_watch_t *self = data;

    apr_thread_mutex_lock(self->mutex);
    self->end = 1;
    apr_thread_cond_broadcast(self->wake);
    while (self->end != 2) {
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
        rv = oci_dbd_thread(watch, self);
    }
    if (rv == APR_SUCCESS) {
        apr_pool_pre_cleanup_register(pool, self, end_watch);
    }
    *result = self;
    return rv;
}

void oci_dbd_watch_begin(oci_dbd_watch_t *self, oci_dbd_due_t *due, int socket,
                         apr_interval_time_t limit)
{
    due->at = oci_wait_now() + limit;
    due->socket = socket;
    due->cut = 0;
    if (socket == -1) {
        return;
    }
    apr_thread_mutex_lock(self->mutex);
    due->next = self->first;
    self->first = due;
    if (self->idle) {
        apr_thread_cond_signal(self->wake);
    }
    apr_thread_mutex_unlock(self->mutex);
}

void oci_dbd_watch_end(oci_dbd_watch_t *self, oci_dbd_due_t *due)
{
    oci_dbd_due_t **link;

    if (due->socket == -1) {
        return;
    }
    apr_thread_mutex_lock(self->mutex);
    for (link = &self->first; *link && *link != due;) {
        link = &(*link)->next;
    }
    if (*link) {
        *link = due->next;
    }
    apr_thread_mutex_unlock(self->mutex);
}
