/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file dbd_connect.h
 * @brief Connecting to a database within a time limit
 */

#ifndef OCI_DBD_CONNECT_H
#define OCI_DBD_CONNECT_H

#include "store/dbd/dbd_source.h"

/** Called when an attempt ends after its caller has stopped waiting. */
typedef void oci_dbd_late_fn(oci_dbd_connection_t *connection, void *data);

/** The parameters of a connection. */
typedef struct oci_dbd_connect_t {
    const char *driver;
    const char *params;
    int seconds; /* the limit */
    oci_dbd_late_fn *late;
    void *data; /* passed to late */
} oci_dbd_connect_t;

/**
 * Connect to a database.
 * @param connection Has a pool; its driver, handle and find_socket are set
 * @param how Lives as long as connection's pool
 * @param why Set to the database's message on failure
 * @param pool Holds why
 * @return APR_TIMEUP after the limit: connection then belongs to the attempt
 *         until late is called, in another thread; or the driver's error
 */
apr_status_t oci_dbd_connect(oci_dbd_connection_t *connection,
                             const oci_dbd_connect_t *how, const char **why,
                             apr_pool_t *pool);

/**
 * Get the socket of a connection.
 * @return -1 if its database has none
 */
int oci_dbd_socket(const oci_dbd_connection_t *connection);

/**
 * Add limits to connection parameters, as far as the driver has parameters for
 * limits, unless they are set already.
 */
const char *oci_dbd_params_with_limits(const char *driver, const char *params,
                                       int seconds, apr_pool_t *pool);

/**
 * Find the name of the database in connection parameters.
 * @return NULL if it is not certain, because it is not there, is quoted, or has
 *         characters that databases may not distinguish
 */
const char *oci_dbd_params_database(const char *driver, const char *params,
                                    apr_pool_t *pool);

#endif /* OCI_DBD_CONNECT_H */
