/* Licensed under the Apache License, Version 2.0 (the "License"); you may
 * not use this file except in compliance with the License.  You may obtain
 * a copy of the License at http://www.apache.org/licenses/LICENSE-2.0
 *
 * Unless required by applicable law or agreed to in writing, software
 * distributed under the License is distributed on an "AS IS" BASIS,
 * WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
 * See the License for the specific language governing permissions and
 * limitations under the License.
 */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apr_strings.h"

#include "mod_oci.h"
#include "store/dbd_connect.h"
#include "store/dbd_session.h"
#include "store/dbd_watch.h"
#include "store/wait.h"

/* What a connection keeps between sessions, in its own pool. */
typedef struct oci_dbd_kept_t {
    const oci_dialect_t *dialect;
    int         ready;         /* set up, and its table is there */
    const char *lock_file;
    const char *room_file;
    apr_uint32_t generation;   /* makes the names of statements new */
    apr_pool_t *pool;          /* of the statements */
    apr_dbd_prepared_t *statements[OCI_SQL_COUNT];
} oci_dbd_kept_t;

#define KEPT "mod_oci dbd"

#define ROOM (1024 * 1024)     /* kept for deleting on a full disk, bytes */

/* Keep what the database says of a failure. */
static apr_status_t fail(oci_dbd_session_t *session, int error)
{
    const char *text = apr_dbd_error(session->connection.driver,
                                     session->connection.handle, error);

    session->why = apr_pstrdup(session->pool, text && *text
                                              ? text : "unknown error");
    return APR_EGENERAL;
}

/* A statement that runs within the limit. */
typedef struct timed_t {
    oci_dbd_due_t due;
    apr_time_t limit;          /* when it was to be done */
    const char *what;          /* is waited for */
} timed_t;

/* The server is given a moment to end the statement by its own limit: then
 * the connection stays. */
static void begin(timed_t *timed, oci_dbd_session_t *session,
                  const char *what)
{
    oci_dbd_connection_t *connection = &session->connection;
    apr_time_t limit = apr_time_from_sec(session->source->seconds);

    timed->what = what;
    timed->limit = oci_wait_now() + limit;
    oci_dbd_watch_begin(connection->watch, &timed->due,
                        oci_dbd_socket(connection),
                        limit + apr_time_from_sec(1));
}

/* End it; returns APR_EGENERAL where the driver reported an error. */
static apr_status_t end(timed_t *timed, oci_dbd_session_t *session, int error)
{
    oci_dbd_watch_end(session->connection.watch, &timed->due);
    session->late = error && oci_wait_now() >= timed->limit;
    if (timed->due.cut) {
        session->cut = 1;
    }
    if (!error) {
        return APR_SUCCESS;
    }
    fail(session, error);
    if (session->late) {
        session->why = apr_psprintf(session->pool, "waited %d s for %s: %s",
                                    session->source->seconds, timed->what,
                                    session->why);
    }
    return APR_EGENERAL;
}

void oci_dbd_session_explain(const oci_dbd_session_t *session,
                             apr_pool_t *pool)
{
    if (session->why) {
        apr_size_t line = strcspn(session->why, "\r\n");

        apr_pool_userdata_setn(apr_pstrmemdup(pool, session->why, line),
                               OCI_REASON, NULL, pool);
    }
}

/* All statements are made before the first is used: where a driver connects
 * anew by itself, one that it makes later would be outside of a transaction,
 * and without locks, that are believed to be there. */
static apr_status_t prepare(oci_dbd_session_t *session)
{
    oci_dbd_kept_t *kept = session->kept;
    timed_t timed;
    int id, error;

    for (id = 0; id < OCI_SQL_COUNT; id++) {
        const char *text = kept->dialect->statements[id];
        const char *label = kept->dialect->unprepared & 1u << id ? NULL
            : apr_psprintf(kept->pool, "oci_%u_%d", kept->generation, id);

        if (!text) {
            continue;
        }
        begin(&timed, session, "an answer");
        error = apr_dbd_prepare(session->connection.driver, kept->pool,
                                session->connection.handle, text, label,
                                &kept->statements[id]);
        if (end(&timed, session, error) != APR_SUCCESS) {
            return APR_EGENERAL;
        }
    }
    return APR_SUCCESS;
}

apr_status_t oci_dbd_session_run(oci_dbd_session_t *session,
                                 const char *text)
{
    timed_t timed;
    int error, count;

    begin(&timed, session, "an answer");
    error = apr_dbd_query(session->connection.driver,
                          session->connection.handle, &count, text);
    return end(&timed, session, error);
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
    begin(&timed, session, "an answer");
    error = apr_dbd_pquery(connection->driver, scratch, connection->handle,
                           count, session->kept->statements[id], 0, args);
    if (error && error == session->dialect->duplicate) {
        *count = 0;
        error = 0;
    }
    rv = end(&timed, session, error);
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

/* Copy the cells of all rows: drivers reuse, or free, what they return. */
static void collect(apr_array_header_t *cells,
                    const oci_dbd_session_t *session,
                    apr_dbd_results_t *results, apr_pool_t *scratch)
{
    const apr_dbd_driver_t *driver = session->connection.driver;
    int columns = apr_dbd_num_cols(driver, results);
    apr_dbd_row_t *row = NULL;
    int i;

    while (!apr_dbd_get_row(driver, scratch, results, &row, -1)) {
        for (i = 0; i < columns; i++) {
            const char *cell = apr_dbd_get_entry(driver, row, i);

            APR_ARRAY_PUSH(cells, const char *)
                = apr_pstrdup(cells->pool, cell ? cell : "");
        }
    }
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
    begin(&timed, session, id == OCI_SQL_SHARE || id == OCI_SQL_LOCK
                           ? "a lock" : "an answer");
    error = apr_dbd_pselect(connection->driver, scratch, connection->handle,
                            &results, session->kept->statements[id],
                            session->dialect->seek, 0, args);
    *cells = apr_array_make(pool, 8, sizeof(const char *));
    if (!error) {
        collect(*cells, session, results, scratch);
    }
    rv = end(&timed, session, error);
    apr_pool_destroy(scratch);
    return rv;
}

/* A text's rows, the first cell of the first of them. */
static apr_status_t ask(const char **cell, oci_dbd_session_t *session,
                        const char *text, int column, apr_pool_t *scratch)
{
    const oci_dbd_connection_t *connection = &session->connection;
    apr_dbd_results_t *results = NULL;
    apr_array_header_t *cells = apr_array_make(scratch, 8,
                                               sizeof(const char *));
    timed_t timed;
    int error;

    begin(&timed, session, "an answer");
    error = apr_dbd_select(connection->driver, scratch, connection->handle,
                           &results, text, session->dialect->seek);
    if (!error) {
        collect(cells, session, results, scratch);
    }
    if (end(&timed, session, error) != APR_SUCCESS) {
        return APR_EGENERAL;
    }
    *cell = cells->nelts > column ? APR_ARRAY_IDX(cells, column, const char *)
                                  : NULL;
    return APR_SUCCESS;
}

/* Keep some room on the disk, unless it is kept already. */
static void keep_room(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    struct stat st;

    if (fd != -1) {
        if (!fstat(fd, &st) && st.st_size < ROOM
            && posix_fallocate(fd, 0, ROOM)) {
            unlink(path);
        }
        close(fd);
    }
}

/* What lies beside a database that is a file. */
static apr_status_t find_companions(oci_dbd_session_t *session,
                                   apr_pool_t *scratch)
{
    oci_dbd_kept_t *kept = session->kept;
    const char *file;
    apr_status_t rv = ask(&file, session, "PRAGMA database_list", 2, scratch);
    int fd;

    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (!file || !*file) {
        session->why = "a database in memory is none for all processes";
        return APR_EINVAL;
    }
    kept->lock_file = apr_pstrcat(session->connection.pool, file,
                                  OCI_DBD_LOCK_FILE, NULL);
    fd = open(kept->lock_file, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (fd == -1) {
        session->why = apr_psprintf(session->pool, "cannot open %s",
                                    kept->lock_file);
        return errno;
    }
    close(fd);
    kept->room_file = apr_pstrcat(session->connection.pool, file,
                                  OCI_DBD_ROOM_FILE, NULL);
    keep_room(kept->room_file);
    return APR_SUCCESS;
}

/* Whose table it is; NULL where there is none. */
static apr_status_t read_version(const char **version,
                                 oci_dbd_session_t *session,
                                 apr_pool_t *scratch)
{
    return ask(version, session, "SELECT value FROM oci_facts "
               "WHERE name = '.version' AND part = -1", 0, scratch);
}

/* Make the table where it is missing.  Others may be at it, too: what counts
 * is what is there in the end. */
static apr_status_t find_table(oci_dbd_session_t *session,
                               apr_pool_t *scratch)
{
    const char *version = NULL;
    apr_status_t rv = read_version(&version, session, scratch);

    if (rv != APR_SUCCESS || !version) {
        oci_dbd_session_run(session, session->dialect->create);
        oci_dbd_session_run(session, "INSERT INTO oci_facts "
                            "(name, part, value) VALUES "
                            "('.version', -1, '" OCI_DBD_VERSION "')");
        rv = read_version(&version, session, scratch);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (!version || strcmp(version, OCI_DBD_VERSION)) {
        session->why = apr_psprintf(session->pool, "the table oci_facts says "
                                    "\"%s\", which this version of mod_oci "
                                    "does not know",
                                    version ? version : "nothing");
        return APR_EINVAL;
    }
    return APR_SUCCESS;
}

/* Tell the server how long it may take, and when to give up a client whose
 * host is gone, so that its locks end. */
static apr_status_t set_limits(oci_dbd_session_t *session,
                               apr_pool_t *scratch)
{
    const oci_dialect_t *dialect = session->dialect;
    int seconds = session->source->seconds;
    const char *answer;
    const char *text = apr_psprintf(scratch, dialect->limits,
                                    dialect->unit * seconds,
                                    dialect->unit * seconds,
                                    dialect->unit * seconds);
    apr_status_t rv = dialect->is_file
        ? ask(&answer, session, text, 0, scratch)
        : oci_dbd_session_run(session, text);

    if (rv == APR_SUCCESS && dialect->lock_limits
        && session->connection.use == OCI_DBD_FOR_LOCKS) {
        rv = oci_dbd_session_run(session, dialect->lock_limits);
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

    for (text = dialect->setup; rv == APR_SUCCESS && *text; text++) {
        rv = dialect->is_file ? ask(&answer, session, *text, 0, scratch)
                              : oci_dbd_session_run(session, *text);
    }
    if (rv == APR_SUCCESS) {
        rv = set_limits(session, scratch);
    }
    if (rv == APR_SUCCESS && dialect->is_file) {
        rv = find_companions(session, scratch);
    }
    if (rv == APR_SUCCESS) {
        rv = find_table(session, scratch);
    }
    if (rv == APR_SUCCESS) {
        rv = prepare(session);
    }
    apr_pool_destroy(scratch);
    session->kept->ready = rv == APR_SUCCESS;
    return rv;
}

/* What a connection keeps, made at its first session. */
static apr_status_t find_kept(oci_dbd_session_t *session)
{
    oci_dbd_connection_t *connection = &session->connection;
    const char *driver = apr_dbd_name(connection->driver);
    oci_dbd_kept_t *kept;
    void *data;

    apr_pool_userdata_get(&data, KEPT, connection->pool);
    kept = data;
    if (!kept) {
        kept = apr_pcalloc(connection->pool, sizeof(*kept));
        kept->dialect = oci_dialect_of(driver);
        apr_pool_create(&kept->pool, connection->pool);
        apr_pool_userdata_setn(kept, KEPT, NULL, connection->pool);
    }
    session->kept = kept;
    session->dialect = kept->dialect;
    if (!kept->dialect) {
        session->why = apr_psprintf(session->pool, "the driver %s is not "
                                    "supported; known are " OCI_DBD_DRIVERS,
                                    driver);
        return APR_EINVAL;
    }
    return APR_SUCCESS;
}

/* Databases tell in words alone that there is no room. */
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
    rv = find_kept(session);
    if (rv == APR_SUCCESS && !session->kept->ready) {
        rv = set_up(session);
    }
    if (rv == APR_EGENERAL) {
        rv = oci_dbd_session_status(session);
    }
    return rv;
}

static void drop(oci_dbd_session_t *session)
{
    session->connection.broken = 1;
    session->source->release(session->source, &session->connection);
}

/* Replace a connection that is lost. */
static apr_status_t mend(oci_dbd_session_t *session)
{
    apr_status_t rv;

    drop(session);
    rv = get_connection(session, session->connection.use);
    if (rv != APR_SUCCESS) {
        drop(session);
    }
    return rv;
}

apr_status_t oci_dbd_session_open(oci_dbd_session_t *session,
                                  oci_dbd_source_t *source,
                                  oci_dbd_use_e use, apr_pool_t *pool)
{
    apr_status_t rv;

    memset(session, 0, sizeof(*session));
    session->source = source;
    session->pool = pool;
    rv = get_connection(session, use);
    if (rv != APR_SUCCESS) {
        drop(session);
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

/* Find out what a failure left: whether the connection is still the one that
 * it was.  A transaction is rolled back. */
static int lives(oci_dbd_session_t *session)
{
    const char *why = session->why;
    const char *args[] = { ".", NULL };
    apr_array_header_t *cells;
    int late = session->late;
    int well;

    /* A statement that was prepared before ends with its connection. */
    oci_dbd_session_run(session, "ROLLBACK");
    well = session->kept->ready
           && oci_dbd_session_select(&cells, session, OCI_SQL_EXISTS, args,
                                     session->pool) == APR_SUCCESS;
    session->why = why;
    session->late |= late;
    return well;
}

apr_status_t oci_dbd_session_judge(int *again, oci_dbd_session_t *session,
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
    if (lives(session)) {
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
        rv = mend(session);
        *again = rv == APR_SUCCESS || rv == APR_EGENERAL;
    }
    return APR_ECONNREFUSED;
}

void oci_dbd_session_make_room(oci_dbd_session_t *session)
{
    const char *answer;
    apr_pool_t *scratch;

    oci_dbd_session_run(session, "ROLLBACK");
    unlink(session->kept->room_file);
    if (apr_pool_create(&scratch, session->pool) == APR_SUCCESS) {
        ask(&answer, session, "PRAGMA wal_checkpoint(TRUNCATE)", 0, scratch);
        apr_pool_destroy(scratch);
    }
}

const char *oci_dbd_session_lock_file(const oci_dbd_session_t *session)
{
    return session->kept->lock_file;
}
