/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file dbd_watch.h
 * @brief A thread that ends the wait for a database that does not answer
 *
 * No driver of APR has a limit for reading.  A server that is frozen while
 * its kernel still acknowledges what it is sent keeps a client waiting for
 * ever.  So each statement is watched: when it is overdue the thread shuts
 * its socket down, and the driver reports a lost connection.
 */

#ifndef OCI_DBD_WATCH_H
#define OCI_DBD_WATCH_H

#include "apr_pools.h"
#include "apr_time.h"

typedef struct oci_dbd_watch_t oci_dbd_watch_t;

/** A statement that is watched; it lies with its caller. */
typedef struct oci_dbd_due_t oci_dbd_due_t;
struct oci_dbd_due_t {
    apr_time_t at; /* when it is overdue, by oci_wait_now */
    int socket;
    int cut; /* it was overdue */
    oci_dbd_due_t *next;
};

/**
 * Start the thread of a process.
 * @param pool The thread ends with it
 * @return What the system said
 */
apr_status_t oci_dbd_watch_create(oci_dbd_watch_t **watch, apr_pool_t *pool);

/**
 * Watch a statement that begins now.
 * @param socket What the database is reached by; -1 for one that has none,
 *        which is not watched
 * @param limit Microseconds from now
 */
void oci_dbd_watch_begin(oci_dbd_watch_t *watch, oci_dbd_due_t *due, int socket,
                         apr_interval_time_t limit);

/** Watch it no longer; each begin needs an end. */
void oci_dbd_watch_end(oci_dbd_watch_t *watch, oci_dbd_due_t *due);

/**
 * Start a thread that no signal interrupts: httpd's own threads handle them.
 * @param run Gets data; it is not waited for
 * @return What the system said
 */
apr_status_t oci_dbd_thread(void *(*run)(void *data), void *data);

#endif /* OCI_DBD_WATCH_H */
