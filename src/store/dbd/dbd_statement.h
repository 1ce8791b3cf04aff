/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file dbd_statement.h
 * @brief What a session tells its database, each time within a limit
 */

#ifndef OCI_DBD_STATEMENT_H
#define OCI_DBD_STATEMENT_H

#include "apr_tables.h"

#include "store/dbd/dbd_source.h"
#include "store/dbd/dbd_sql.h"

/** What a connection keeps between sessions, in its own pool. */
typedef struct oci_dbd_kept_t {
    const oci_dialect_t *dialect;
    int ready; /* set up, and its table is there */
    const char *lock_file;
    const char *room_file;
    apr_dbd_prepared_t *statements[OCI_SQL_COUNT];
} oci_dbd_kept_t;

/** A session; nobody else uses its connection meanwhile. */
typedef struct oci_dbd_session_t {
    const oci_dialect_t *dialect;
    const char *why; /* what the database said of the last failure */
    int lost;        /* its connection was, and with it its locks */
    int late;        /* the last failure came of a limit */
    int cut;         /* its connection was, by dbd_watch */
    oci_dbd_kept_t *kept;
    oci_dbd_source_t *source;
    oci_dbd_connection_t connection;
    apr_pool_t *pool;
} oci_dbd_session_t;

/**
 * Prepare all statements before the first is used: where a driver connects
 * anew by itself, one that it makes later would be outside of a transaction,
 * and without locks, that are believed to be there.
 * @return APR_EGENERAL
 */
apr_status_t oci_dbd_session_prepare(oci_dbd_session_t *session);

/**
 * Tell the database what needs no answer.
 * @return APR_EGENERAL
 */
apr_status_t oci_dbd_session_run(oci_dbd_session_t *session, const char *text);

/**
 * Run a statement that changes rows.
 * @param count Set to how many it changed
 * @param args Its arguments
 * @return APR_EGENERAL
 */
apr_status_t oci_dbd_session_change(int *count, oci_dbd_session_t *session,
                                    oci_sql_e id, const char **args);

/**
 * Run a statement that returns rows.
 * @param cells Set to an array of const char *: the columns of the first row,
 *        of the second ...
 * @return APR_EGENERAL
 */
apr_status_t oci_dbd_session_select(apr_array_header_t **cells,
                                    oci_dbd_session_t *session, oci_sql_e id,
                                    const char **args, apr_pool_t *pool);

/**
 * End a session's transaction well.
 * @return APR_EGENERAL
 */
apr_status_t oci_dbd_session_commit(oci_dbd_session_t *session);

/**
 * Ask for one cell of the first row of a text's answer.
 * @param cell Set to it, or to NULL where there is no row
 * @param column Its number, from 0
 * @param scratch Of the cell
 * @return APR_EGENERAL
 */
apr_status_t oci_dbd_session_ask(const char **cell, oci_dbd_session_t *session,
                                 const char *text, int column,
                                 apr_pool_t *scratch);

#endif /* OCI_DBD_STATEMENT_H */
