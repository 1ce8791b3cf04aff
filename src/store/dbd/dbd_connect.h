/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file dbd_connect.h
 * @brief Connecting to a database within a limit
 */

#ifndef OCI_DBD_CONNECT_H
#define OCI_DBD_CONNECT_H

#include "store/dbd/dbd_source.h"

/** What is told when an attempt ends that nobody waits for any longer. */
typedef void oci_dbd_late_fn(oci_dbd_connection_t *connection, void *data);

/** What connects, and how. */
typedef struct oci_dbd_connect_t {
    const char *driver;
    const char *params;
    int seconds; /* to wait at most */
    oci_dbd_late_fn *late;
    void *data; /* for late */
} oci_dbd_connect_t;

/**
 * Connect.
 * @param connection Has a pool; its driver and handle are set
 * @param how Lives as long as connection's pool
 * @param why Set to what the database said, where it fails
 * @param pool Of why
 * @return APR_TIMEUP after the limit: connection then belongs to the attempt
 *         until late is called, in another thread; or what the driver said
 */
apr_status_t oci_dbd_connect(oci_dbd_connection_t *connection,
                             const oci_dbd_connect_t *how, const char **why,
                             apr_pool_t *pool);

/**
 * The socket of a connection.
 * @return -1 where its database has none
 */
int oci_dbd_socket(const oci_dbd_connection_t *connection);

/**
 * Parameters with limits for what the driver can limit, unless they are
 * there already.
 */
const char *oci_dbd_limit_params(const char *driver, const char *params,
                                 int seconds, apr_pool_t *pool);

#endif /* OCI_DBD_CONNECT_H */
