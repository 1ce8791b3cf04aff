/* SPDX-License-Identifier: Apache-2.0 */

/* A session: one caller's use of a database of facts. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apr_strings.h"

#include "mod_oci.h"
#include "store/dbd/dbd_session.h"
#include "store/dbd/dbd_table.h"
#include "store/io.h"

#define STATE_KEY "mod_oci dbd"

#define ROOM_SIZE (1024 * 1024) /* for deletions on a full disk, bytes */

/* Return what to do about a message of SQLite that does not say it, or "". */
static const char *remedy_of(const char *message)
{
    return strstr(message, "readonly database")
            || strstr(message, "unable to open database file")
        ? ": httpd's User must be able to write to the database file and to "
          "its directory"
        : "";
}

void oci_dbd_session_explain(const oci_dbd_session_t *session, apr_pool_t *pool)
{
    const char *why = session->why;

    if (why) {
        apr_pool_userdata_setn(apr_pstrcat(pool,
                                           apr_pstrmemdup(pool, why,
                                                          strcspn(why, "\r\n")),
                                           remedy_of(why), NULL),
                               OCI_REASON, NULL, pool);
    }
}

void oci_dbd_session_forget(apr_pool_t *pool)
{
    apr_pool_userdata_setn(NULL, OCI_REASON, NULL, pool);
}

/* Reserve room on the disk, unless it is reserved already. */
static void reserve_room(const char *path)
{
    int fd = oci_io_open(path, O_RDWR | O_CREAT | O_NOFOLLOW);
    struct stat st;

    if (fd != -1) {
        if (!fstat(fd, &st) && st.st_size < ROOM_SIZE
            && posix_fallocate(fd, 0, ROOM_SIZE)) {
            unlink(path);
        }
        close(fd);
    }
}

/* Create the files beside a database that is a file. */
static apr_status_t prepare_files(oci_dbd_session_t *session,
                                  apr_pool_t *scratch)
{
    oci_dbd_state_t *state = session->state;
    const char *file;
    apr_status_t rv = oci_dbd_session_select_cell(&file, session,
                                                  "PRAGMA database_list", 2,
                                                  scratch);
    int fd;

    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (!file || !*file) {
        session->why = "a database in memory cannot be shared by all "
                       "processes: configure a file";
        return APR_EINVAL;
    }
    state->lock_file = apr_pstrcat(session->connection.pool, file,
                                   OCI_DBD_LOCK_FILE, NULL);
    fd = oci_io_open(state->lock_file, O_RDWR | O_CREAT | O_NOFOLLOW);
    if (fd == -1) {
        rv = errno;
        session->why = oci_io_failure("open", state->lock_file, rv,
                                      session->pool);
        return rv;
    }
    close(fd);
    state->room_file = apr_pstrcat(session->connection.pool, file,
                                   OCI_DBD_ROOM_FILE, NULL);
    reserve_room(state->room_file);
    return APR_SUCCESS;
}

/* Set the server's time limits, also for a client whose host is gone, so that
 * its locks end. */
static apr_status_t set_limits(oci_dbd_session_t *session, apr_pool_t *scratch)
{
    const oci_dialect_t *dialect = session->dialect;
    int seconds = session->source->seconds;
    const char *answer;
    const char *text = apr_psprintf(scratch, dialect->limits,
                                    dialect->unit * seconds,
                                    dialect->unit * seconds,
                                    dialect->unit * seconds);
    apr_status_t rv = dialect->is_file
        ? oci_dbd_session_select_cell(&answer, session, text, 0, scratch)
        : oci_dbd_session_run(session, text);

    if (rv == APR_SUCCESS && dialect->lock_limits
        && session->connection.use == OCI_DBD_FOR_LOCKS) {
        rv = oci_dbd_session_run(session, dialect->lock_limits);
    }
    return rv;
}

/* Run what the administrator wants each connection to begin with. */
static apr_status_t run_init(oci_dbd_session_t *session)
{
    const apr_array_header_t *init = session->source->init;
    apr_status_t rv = APR_SUCCESS;
    int i;

    for (i = 0; init && i < init->nelts && rv == APR_SUCCESS; i++) {
        rv = oci_dbd_session_run(session, APR_ARRAY_IDX(init, i, const char *));
    }
    return rv;
}

static apr_status_t set_up(oci_dbd_session_t *session)
{
    const oci_dialect_t *dialect = session->dialect;
    const char *const *text;
    const char *answer;
    apr_pool_t *scratch;
    apr_status_t rv = apr_pool_create(&scratch, session->pool);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = run_init(session);
    if (rv == APR_SUCCESS) {
        rv = set_limits(session, scratch);
    }
    for (text = dialect->setup; rv == APR_SUCCESS && *text; text++) {
        rv = dialect->is_file
            ? oci_dbd_session_select_cell(&answer, session, *text, 0, scratch)
            : oci_dbd_session_run(session, *text);
    }
    if (rv == APR_SUCCESS && dialect->is_file) {
        rv = prepare_files(session, scratch);
    }
    if (rv == APR_SUCCESS) {
        rv = oci_dbd_table_prepare(session, scratch);
    }
    if (rv == APR_SUCCESS) {
        rv = oci_dbd_session_prepare(session);
    }
    apr_pool_destroy(scratch);
    session->state->ready = rv == APR_SUCCESS;
    return rv;
}

/* Find the state that a connection keeps; it is created in the first
 * session. */
static apr_status_t find_or_create_state(oci_dbd_session_t *session)
{
    oci_dbd_connection_t *connection = &session->connection;
    const char *driver = apr_dbd_name(connection->driver);
    oci_dbd_state_t *state;
    void *data;

    apr_pool_userdata_get(&data, STATE_KEY, connection->pool);
    state = data;
    if (!state) {
        state = apr_pcalloc(connection->pool, sizeof(*state));
        state->dialect = oci_dialect_of(driver);
        apr_pool_userdata_setn(state, STATE_KEY, NULL, connection->pool);
    }
    session->state = state;
    session->dialect = state->dialect;
    if (!state->dialect) {
        session->why =
            apr_psprintf(session->pool,
                         "unknown driver '%s'; known are: " OCI_DBD_DRIVERS,
                         driver);
        return APR_EINVAL;
    }
    return APR_SUCCESS;
}

/* Databases report a full disk only in the text of a message. */
apr_status_t oci_dbd_session_status(const oci_dbd_session_t *session)
{
    static const char *const words[] = { "No space left", "disk is full",
                                         "is full" };
    apr_size_t i;

    if (session->late) {
        return APR_TIMEUP;
    }
    for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (session->why && strstr(session->why, words[i])) {
            return APR_ENOSPC;
        }
    }
    return APR_EGENERAL;
}

/* Get a connection, and set it up if it is new. */
static apr_status_t get_connection(oci_dbd_session_t *session,
                                   oci_dbd_use_e use)
{
    oci_dbd_source_t *source = session->source;
    apr_status_t rv = source->acquire(&session->connection, source, use,
                                      &session->why, session->pool);

    session->connection.use = use;
    if (rv != APR_SUCCESS) {
        return rv == APR_TIMEUP ? rv : APR_ECONNREFUSED;
    }
    rv = find_or_create_state(session);
    if (rv == APR_SUCCESS && !session->state->ready) {
        rv = set_up(session);
    }
    if (rv == APR_EGENERAL) {
        rv = oci_dbd_session_status(session);
    }
    return rv;
}

static void discard_connection(oci_dbd_session_t *session)
{
    session->connection.broken = 1;
    session->source->release(session->source, &session->connection);
}

/* Replace a lost connection. */
static apr_status_t reconnect(oci_dbd_session_t *session)
{
    apr_status_t rv;

    discard_connection(session);
    rv = get_connection(session, session->connection.use);
    if (rv != APR_SUCCESS) {
        discard_connection(session);
    }
    return rv;
}

apr_status_t oci_dbd_session_open(oci_dbd_session_t *session,
                                  oci_dbd_source_t *source, oci_dbd_use_e use,
                                  apr_pool_t *pool)
{
    apr_status_t rv;

    memset(session, 0, sizeof(*session));
    session->source = source;
    session->pool = pool;
    rv = get_connection(session, use);
    if (rv != APR_SUCCESS) {
        discard_connection(session);
    }
    return rv;
}

void oci_dbd_session_close(oci_dbd_session_t *session)
{
    if (session->cut || session->lost) {
        session->connection.broken = 1;
    }
    session->source->release(session->source, &session->connection);
}

void oci_dbd_session_abandon(oci_dbd_session_t *session)
{
    session->connection.broken = 1;
}

/* Roll back a transaction after a failure; return whether the connection is
 * still the same. */
static int roll_back_and_check(oci_dbd_session_t *session)
{
    const char *why = session->why;
    const char *args[] = { ".", NULL };
    apr_array_header_t *cells;
    int late = session->late;
    int alive;

    /* A prepared statement does not survive its connection. */
    oci_dbd_session_run(session, "ROLLBACK");
    alive = session->state->ready
        && oci_dbd_session_select(&cells, session, OCI_SQL_EXISTS, args,
                                  session->pool)
            == APR_SUCCESS;
    session->why = why;
    session->late |= late;
    return alive;
}

apr_status_t oci_dbd_session_recover(int *again, oci_dbd_session_t *session,
                                     apr_status_t rv, int held)
{
    *again = 0;
    if (rv != APR_EGENERAL) {
        return rv;
    }
    if (session->cut) {
        session->lost = held;
        return APR_TIMEUP;
    }
    if (roll_back_and_check(session)) {
        rv = oci_dbd_session_status(session);
        *again = rv == APR_EGENERAL;
        return rv;
    }
    session->lost = held;
    if (session->late) {
        oci_dbd_session_abandon(session);
        return APR_TIMEUP;
    }
    if (!held) {
        rv = reconnect(session);
        *again = rv == APR_SUCCESS || rv == APR_EGENERAL;
    }
    return APR_ECONNREFUSED;
}

void oci_dbd_session_make_room(oci_dbd_session_t *session)
{
    const char *answer;
    apr_pool_t *scratch;

    oci_dbd_session_run(session, "ROLLBACK");
    unlink(session->state->room_file);
    if (apr_pool_create(&scratch, session->pool) == APR_SUCCESS) {
        oci_dbd_session_select_cell(&answer, session,
                                    "PRAGMA wal_checkpoint(TRUNCATE)", 0,
                                    scratch);
        apr_pool_destroy(scratch);
    }
}

const char *oci_dbd_session_lock_file(const oci_dbd_session_t *session)
{
    return session->state->lock_file;
}
