/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file dbd_source.h
 * @brief A source of connections to a database
 */

#ifndef OCI_DBD_SOURCE_H
#define OCI_DBD_SOURCE_H

#include "apr_dbd.h"
#include "apr_tables.h"
#include "apr_errno.h"
#include "apr_pools.h"

struct oci_dbd_watch_t;

/**
 * The use of a connection.  Locks have separate connections: otherwise requests
 * that wait for a lock would use up the connections of requests that need none.
 */
typedef enum {
    OCI_DBD_FOR_CALLS,
    OCI_DBD_FOR_LOCKS,
    OCI_DBD_USES
} oci_dbd_use_e;

/** What an observer is told. */
typedef enum {
    OCI_DBD_LIMIT,     /* a process may use this many more connections */
    OCI_DBD_IN_USE,    /* this many more are in use: 1 or -1 */
    OCI_DBD_WAITING,   /* this many more callers wait for one: 1 or -1 */
    OCI_DBD_WAITED,    /* a caller has waited for this many microseconds */
    OCI_DBD_TIMED_OUT, /* 1: it got none, because none became free in time */
    OCI_DBD_REFUSED    /* 1: the database could not be connected to */
} oci_dbd_event_e;

/**
 * Is told how connections are used, for statistics.  It is called from any
 * thread, and the caller may hold a mutex, so it must not wait.
 * @param number As described at the event
 */
typedef void oci_dbd_observer_t(oci_dbd_event_e event, oci_dbd_use_e use,
                                apr_int64_t number);

/** Returns the socket of a client library's own handle. */
typedef int oci_dbd_socket_fn(const void *handle);

/** A connection that is used by one caller. */
typedef struct oci_dbd_connection_t {
    const apr_dbd_driver_t *driver;
    apr_dbd_t *handle;
    apr_pool_t *pool; /* lives as long as the connection does */
    void *ticket;     /* identifies it in the source; NULL: no connection */
    oci_dbd_use_e use;
    struct oci_dbd_watch_t *watch;  /* watches its statements */
    oci_dbd_socket_fn *find_socket; /* NULL: it has none */
    int broken;                     /* it must be closed */
} oci_dbd_connection_t;

typedef struct oci_dbd_source_t oci_dbd_source_t;
struct oci_dbd_source_t {
    const char *where;              /* for logs */
    const apr_array_header_t *init; /* const char *: statements that a new
                                       connection begins with; or NULL */
    int seconds;  /* the limit of each wait, OCI_WAIT_DATABASE_SECONDS */
    int no_raise; /* as in oci_store_config_t */
    oci_dbd_observer_t *observer; /* set before the first acquire; or NULL */

    /**
     * Prepare to connect, before httpd forks.
     * @return NULL, or a sentence that says what is wrong
     */
    const char *(*start)(oci_dbd_source_t *source, apr_pool_t *pool);

    /**
     * Get a connection, and wait for one if all are in use.
     * @param why Set to the database's message on failure
     * @param pool Holds why; lives until release
     * @return APR_TIMEUP after the limit; or the driver's error
     */
    apr_status_t (*acquire)(oci_dbd_connection_t *connection,
                            oci_dbd_source_t *source, oci_dbd_use_e use,
                            const char **why, apr_pool_t *pool);

    /** Return a connection, if there is one; a broken one is closed. */
    void (*release)(oci_dbd_source_t *source, oci_dbd_connection_t *connection);
};

/** The parameters of a source. */
typedef struct oci_dbd_settings_t oci_dbd_settings_t;
struct oci_dbd_settings_t {
    apr_array_header_t *init; /* const char *, as in oci_dbd_source_t */
    const char *driver;       /* the name in apr_dbd */
    const char *params;       /* in the form of the driver */
    int most; /* connections of a process at most; 0: our default */
    int keep; /* idle connections that are kept; 0: our default */

    /**
     * Set the fields above when the source is started; or NULL.
     * @return NULL, or a sentence that says what is wrong
     */
    const char *(*find)(oci_dbd_settings_t *settings, apr_pool_t *pool);
    void *data; /* passed to find */
};

/**
 * Create a source of connections, shared by the threads of a process.
 * @param settings Lives as long as pool
 * @return NULL, or a sentence that says what is wrong
 */
const char *oci_dbd_source_create(oci_dbd_source_t **source,
                                  oci_dbd_settings_t *settings,
                                  apr_pool_t *pool);

#endif /* OCI_DBD_SOURCE_H */
