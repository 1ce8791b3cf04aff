/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file dbd_statement.h
 * @brief The statements of a session, each within a time limit
 */

#ifndef OCI_DBD_STATEMENT_H
#define OCI_DBD_STATEMENT_H

#include "apr_tables.h"

#include "store/dbd/dbd_source.h"
#include "store/dbd/dbd_sql.h"

/**
 * The state that a connection keeps between sessions, in the connection's pool.
 */
typedef struct oci_dbd_state_t {
    const oci_dialect_t *dialect;
    int ready; /* set up, and its table exists */
    const char *lock_file;
    const char *room_file;
    apr_dbd_prepared_t *statements[OCI_SQL_COUNT];
} oci_dbd_state_t;

/** A session; it alone uses its connection. */
typedef struct oci_dbd_session_t {
    const oci_dialect_t *dialect;
    const char *why; /* the database's message of the last failure */
    int lost;        /* its connection was lost, and its locks with it */
    int late;        /* the last failure was due to a time limit */
    int cut;         /* its connection was shut down by dbd_watch */
    oci_dbd_state_t *state;
    oci_dbd_source_t *source;
    oci_dbd_connection_t connection;
    apr_pool_t *pool;
} oci_dbd_session_t;

/**
 * Prepare all statements before the first one is used.  If a driver silently
 * reconnects, a statement that is prepared later would run outside of the
 * transaction, and without the locks, that the caller relies on.
 * @return APR_EGENERAL if the database failed
 */
apr_status_t oci_dbd_session_prepare(oci_dbd_session_t *session);

/**
 * Run a text that returns no rows.
 * @return APR_EGENERAL if the database failed
 */
apr_status_t oci_dbd_session_run(oci_dbd_session_t *session, const char *text);

/**
 * Run a statement that changes rows.
 * @param count Set to the number of changed rows
 * @param args The arguments of the statement
 * @return APR_EGENERAL if the database failed
 */
apr_status_t oci_dbd_session_change(int *count, oci_dbd_session_t *session,
                                    oci_sql_e id, const char **args);

/**
 * Run a statement that returns rows.
 * @param cells Set to an array of const char *: the columns of the first row,
 *        of the second row, and so on
 * @return APR_EGENERAL if the database failed
 */
apr_status_t oci_dbd_session_select(apr_array_header_t **cells,
                                    oci_dbd_session_t *session, oci_sql_e id,
                                    const char **args, apr_pool_t *pool);

/**
 * Commit the transaction of a session.
 * @return APR_EGENERAL if the database failed
 */
apr_status_t oci_dbd_session_commit(oci_dbd_session_t *session);

/**
 * Run a text that returns rows, and get one cell of the first row.
 * @param cell Set to the cell, or to NULL if there is no row
 * @param column Its number, from 0
 * @param scratch Holds the cell
 * @return APR_EGENERAL if the database failed
 */
apr_status_t oci_dbd_session_select_cell(const char **cell,
                                         oci_dbd_session_t *session,
                                         const char *text, int column,
                                         apr_pool_t *scratch);

#endif /* OCI_DBD_STATEMENT_H */
