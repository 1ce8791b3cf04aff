/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file dbd_watch.h
 * @brief A thread that ends the wait for a database that does not answer
 *
 * The drivers of APR have no time limit for reading.  A server that is frozen,
 * while its kernel still acknowledges packets, would keep a client waiting for
 * ever.  So each statement is watched: when it is overdue, the thread shuts
 * down its socket, and the driver reports a lost connection.
 */

#ifndef OCI_DBD_WATCH_H
#define OCI_DBD_WATCH_H

#include "apr_pools.h"
#include "apr_time.h"

typedef struct oci_dbd_watch_t oci_dbd_watch_t;

/** A watched statement; the caller provides the memory. */
typedef struct oci_dbd_watched_t oci_dbd_watched_t;
struct oci_dbd_watched_t {
    apr_time_t at; /* the time at which it is overdue, by oci_wait_now */
    int socket;
    int cut; /* it was overdue, and its socket was shut down */
    oci_dbd_watched_t *next;
};

/**
 * Start the thread of a process.
 * @param pool Its end ends the thread
 * @return APR_SUCCESS or an errno
 */
apr_status_t oci_dbd_watch_create(oci_dbd_watch_t **watch, apr_pool_t *pool);

/**
 * Begin to watch a statement.
 * @param socket The socket of its connection; -1 if there is none: then the
 *        statement is not watched
 * @param limit Microseconds from now
 */
void oci_dbd_watch_begin(oci_dbd_watch_t *watch, oci_dbd_watched_t *watched,
                         int socket, apr_interval_time_t limit);

/** Stop watching a statement; each begin needs an end. */
void oci_dbd_watch_end(oci_dbd_watch_t *watch, oci_dbd_watched_t *watched);

/**
 * Start a detached thread that blocks all signals, so that httpd's own threads
 * handle them.
 * @param run Called with data
 * @return APR_SUCCESS or an errno
 */
apr_status_t oci_dbd_thread_start(void *(*run)(void *data), void *data);

#endif /* OCI_DBD_WATCH_H */
