/* SPDX-License-Identifier: Apache-2.0 */

/* The statements of a session, each within a time limit. */

#include "apr_strings.h"

#include "store/dbd/dbd_connect.h"
#include "store/dbd/dbd_signals.h"
#include "store/dbd/dbd_statement.h"
#include "store/dbd/dbd_watch.h"
#include "store/wait.h"

/* What apr_dbd_get_row returns after the last row. */
#define NO_MORE_ROWS (-1)

/* Keep the database's message of a failure. */
static apr_status_t keep_error(oci_dbd_session_t *session, int error)
{
    const char *text = apr_dbd_error(session->connection.driver,
                                     session->connection.handle, error);

    session->why = apr_pstrdup(session->pool,
                               text && *text ? text : "unknown error");
    return APR_EGENERAL;
}

/* A statement with a time limit. */
typedef struct timed_t {
    oci_dbd_watched_t watched;
    apr_time_t limit; /* the time of the limit */
    const char *what; /* what is waited for */
    sigset_t before;  /* if the database is a file */
} timed_t;

/* The server gets a second more, to end the statement by its own limit: then
 * the connection survives. */
static void begin_timed(timed_t *timed, oci_dbd_session_t *session,
                        const char *what)
{
    oci_dbd_connection_t *connection = &session->connection;
    apr_time_t limit = apr_time_from_sec(session->source->seconds);

    if (session->dialect->is_file) {
        oci_dbd_signals_hold(&timed->before);
    }
    timed->what = what;
    timed->limit = oci_wait_now() + limit;
    oci_dbd_watch_begin(connection->watch, &timed->watched,
                        oci_dbd_socket(connection),
                        limit + apr_time_from_sec(1));
}

/* What became of a timed statement. */
static apr_status_t judge_timed(timed_t *timed, oci_dbd_session_t *session,
                                int error)
{
    oci_dbd_watch_end(session->connection.watch, &timed->watched);
    if (timed->watched.cut) {
        session->cut = 1;
        error = error ? error : NO_MORE_ROWS;
    }
    session->late = error && oci_wait_now() >= timed->limit;
    if (!error) {
        return APR_SUCCESS;
    }
    keep_error(session, error);
    if (session->late) {
        session->why = apr_psprintf(session->pool,
                                    "timed out after %d s waiting for %s: %s",
                                    session->source->seconds, timed->what,
                                    session->why);
    }
    return APR_EGENERAL;
}

/* End a timed statement.  Returns APR_EGENERAL if the driver reported an error,
 * or if the connection was shut down, which a driver may not notice. */
static apr_status_t end_timed(timed_t *timed, oci_dbd_session_t *session,
                              int error)
{
    apr_status_t rv = judge_timed(timed, session, error);

    if (session->dialect->is_file) {
        oci_dbd_signals_release(&timed->before);
    }
    return rv;
}

apr_status_t oci_dbd_session_prepare(oci_dbd_session_t *session)
{
    oci_dbd_state_t *state = session->state;
    apr_pool_t *pool = session->connection.pool;
    timed_t timed;
    int id, error;

    for (id = 0; id < OCI_SQL_COUNT; id++) {
        const char *text = state->dialect->statements[id];
        const char *label = apr_psprintf(pool, "oci_%d", id);

        if (!text) {
            continue;
        }
        begin_timed(&timed, session, "an answer");
        error = apr_dbd_prepare(session->connection.driver, pool,
                                session->connection.handle, text, label,
                                &state->statements[id]);
        if (end_timed(&timed, session, error) != APR_SUCCESS) {
            return APR_EGENERAL;
        }
    }
    return APR_SUCCESS;
}

apr_status_t oci_dbd_session_run(oci_dbd_session_t *session, const char *text)
{
    timed_t timed;
    int error, count;

    begin_timed(&timed, session, "an answer");
    error = apr_dbd_query(session->connection.driver,
                          session->connection.handle, &count, text);
    return end_timed(&timed, session, error);
}

apr_status_t oci_dbd_session_change(int *count, oci_dbd_session_t *session,
                                    oci_sql_e id, const char **args)
{
    const oci_dbd_connection_t *connection = &session->connection;
    apr_pool_t *scratch;
    apr_status_t rv = apr_pool_create(&scratch, session->pool);
    timed_t timed;
    int error;

    if (rv != APR_SUCCESS) {
        return rv;
    }
    begin_timed(&timed, session, "an answer");
    error = apr_dbd_pquery(connection->driver, scratch, connection->handle,
                           count, session->state->statements[id], 0, args);
    if (error && error == session->dialect->duplicate) {
        *count = 0;
        error = 0;
    }
    rv = end_timed(&timed, session, error);
    apr_pool_destroy(scratch);
    return rv;
}

apr_status_t oci_dbd_session_commit(oci_dbd_session_t *session)
{
    int count;

    return session->dialect->statements[OCI_SQL_COMMIT]
        ? oci_dbd_session_change(&count, session, OCI_SQL_COMMIT, NULL)
        : oci_dbd_session_run(session, "COMMIT");
}

/* Copy the cells of all rows, because drivers reuse or free them.  Returns the
 * driver's error; rows may arrive from the network one by one. */
static int copy_cells(apr_array_header_t *cells,
                      const oci_dbd_session_t *session,
                      apr_dbd_results_t *results, apr_pool_t *scratch)
{
    const apr_dbd_driver_t *driver = session->connection.driver;
    int columns = apr_dbd_num_cols(driver, results);
    apr_dbd_row_t *row = NULL;
    int error, i;

    while (!(error = apr_dbd_get_row(driver, scratch, results, &row, -1))) {
        for (i = 0; i < columns; i++) {
            const char *cell = apr_dbd_get_entry(driver, row, i);

            APR_ARRAY_PUSH(cells, const char *) = apr_pstrdup(cells->pool,
                                                              cell ? cell : "");
        }
    }
    return error == NO_MORE_ROWS ? 0 : error;
}

apr_status_t oci_dbd_session_select(apr_array_header_t **cells,
                                    oci_dbd_session_t *session, oci_sql_e id,
                                    const char **args, apr_pool_t *pool)
{
    const oci_dbd_connection_t *connection = &session->connection;
    apr_dbd_results_t *results = NULL;
    apr_pool_t *scratch;
    apr_status_t rv = apr_pool_create(&scratch, pool);
    timed_t timed;
    int error;

    if (rv != APR_SUCCESS) {
        return rv;
    }
    begin_timed(&timed, session,
                id == OCI_SQL_SHARE || id == OCI_SQL_LOCK ? "a lock"
                                                          : "an answer");
    error = apr_dbd_pselect(connection->driver, scratch, connection->handle,
                            &results, session->state->statements[id],
                            session->dialect->seek, 0, args);
    *cells = apr_array_make(pool, 8, sizeof(const char *));
    if (!error) {
        error = copy_cells(*cells, session, results, scratch);
    }
    rv = end_timed(&timed, session, error);
    apr_pool_destroy(scratch);
    return rv;
}

apr_status_t oci_dbd_session_select_cell(const char **cell,
                                         oci_dbd_session_t *session,
                                         const char *text, int column,
                                         apr_pool_t *scratch)
{
    const oci_dbd_connection_t *connection = &session->connection;
    apr_dbd_results_t *results = NULL;
    apr_array_header_t *cells = apr_array_make(scratch, 8,
                                               sizeof(const char *));
    timed_t timed;
    int error;

    begin_timed(&timed, session, "an answer");
    error = apr_dbd_select(connection->driver, scratch, connection->handle,
                           &results, text, session->dialect->seek);
    if (!error) {
        error = copy_cells(cells, session, results, scratch);
    }
    if (end_timed(&timed, session, error) != APR_SUCCESS) {
        return APR_EGENERAL;
    }
    *cell = cells->nelts > column ? APR_ARRAY_IDX(cells, column, const char *)
                                  : NULL;
    return APR_SUCCESS;
}
