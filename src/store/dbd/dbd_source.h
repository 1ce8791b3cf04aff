/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file dbd_source.h
 * @brief Where connections to a database come from
 */

#ifndef OCI_DBD_SOURCE_H
#define OCI_DBD_SOURCE_H

#include "apr_dbd.h"
#include "apr_errno.h"
#include "apr_pools.h"

struct oci_dbd_watch_t;

/**
 * What a connection is for.  Locks have connections of their own: requests
 * that wait for one would otherwise use up those of requests that need none.
 */
typedef enum {
    OCI_DBD_FOR_CALLS,
    OCI_DBD_FOR_LOCKS,
    OCI_DBD_USES
} oci_dbd_use_e;

/** What tells the socket of a client library's own handle. */
typedef int oci_dbd_socket_fn(const void *handle);

/** A connection that one caller has. */
typedef struct oci_dbd_connection_t {
    const apr_dbd_driver_t *driver;
    apr_dbd_t *handle;
    apr_pool_t *pool; /* lives as long as the connection does */
    void *ticket;     /* what the source knows it by; NULL: none */
    oci_dbd_use_e use;
    struct oci_dbd_watch_t *watch;  /* of its statements */
    oci_dbd_socket_fn *find_socket; /* NULL: it has none */
    int broken;                     /* it is of no more use */
} oci_dbd_connection_t;

typedef struct oci_dbd_source_t oci_dbd_source_t;
struct oci_dbd_source_t {
    const char *where; /* for logs */
    int seconds;       /* the limit of each wait; OCI_WAIT_DATABASE_SECONDS */

    /**
     * Prepare to connect, before httpd forks.
     * @return NULL, or a sentence that says what is wrong
     */
    const char *(*start)(oci_dbd_source_t *source, apr_pool_t *pool);

    /**
     * Get a connection, waiting for one where all are taken.
     * @param why Set to what the database said, where it fails
     * @param pool Lives until release
     * @return APR_TIMEUP after the limit; or what the driver said
     */
    apr_status_t (*acquire)(oci_dbd_connection_t *connection,
                            oci_dbd_source_t *source, oci_dbd_use_e use,
                            const char **why, apr_pool_t *pool);

    /** Give a connection back, if there is one; close one that is broken. */
    void (*release)(oci_dbd_source_t *source, oci_dbd_connection_t *connection);
};

/** What a source connects with. */
typedef struct oci_dbd_where_t oci_dbd_where_t;
struct oci_dbd_where_t {
    const char *driver; /* as apr_dbd names it */
    const char *params; /* as the driver takes them */
    int most;           /* connections of a process; 0: as we like */
    int keep;           /* of those, how many stay when idle; 0 */

    /**
     * Fill in the rest when the source is started, or NULL.
     * @return NULL, or a sentence that says what is wrong
     */
    const char *(*find)(oci_dbd_where_t *where, apr_pool_t *pool);
    void *data; /* for find */
};

/**
 * Make a source of connections, shared by a process's threads.
 * @param where Lives as long as pool
 * @return NULL, or a sentence that says what is wrong
 */
const char *oci_dbd_pool_create(oci_dbd_source_t **source,
                                oci_dbd_where_t *where, apr_pool_t *pool);

#endif /* OCI_DBD_SOURCE_H */
