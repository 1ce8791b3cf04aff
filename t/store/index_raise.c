/* SPDX-License-Identifier: Apache-2.0 */

/* An index of version 1 is raised to version 2, and code of version 1 that is
 * still running can no longer change it.  Arguments: as contract_index.h. */

#include "contract_index.h"

#include <errno.h>
#include <fcntl.h>

#include "apr_dbd.h"
#include "apr_dbm.h"

#include "store/dbm/dbm_records.h"
#include "store/file_lock.h"

#define OLD_CREATE                                                       \
    "CREATE TABLE IF NOT EXISTS oci_facts (name CHAR(9) NOT NULL, part " \
    "INTEGER NOT NULL, value CHAR(9) NOT NULL, PRIMARY KEY (name, part))"
#define OLD_INSERT \
    "INSERT INTO oci_facts (name, part, value) VALUES ('.version', -1, 'x')"
#define OLD_GET    "SELECT value FROM oci_facts WHERE name = %pDt ORDER BY part"
#define OLD_DELETE "DELETE FROM oci_facts WHERE name = %pDt AND part >= 0"

/* The database, without the provider. */
typedef struct database_t {
    const apr_dbd_driver_t *driver;
    apr_dbd_t *handle;
    apr_dbd_prepared_t *get;
    apr_dbd_prepared_t *delete;
    apr_pool_t *pool;
} database_t;

static int is_database(const test_t *t)
{
    return t->provider == find_builtin(OCI_INDEX_GROUP, "dbd");
}

static const char *place(const test_t *t)
{
    return t->index->where;
}

/* Return the path of a lock file, "" or "s" after its name. */
static const char *lock_path(const test_t *t, const char *end)
{
    return apr_pstrcat(t->run->pool, place(t),
                       t->config.type ? ".lock" : "/.lock", end, NULL);
}

static void open_database(database_t *database, const test_t *t)
{
    database->pool = make_pool();
    if (apr_dbd_get_driver(database->pool, t->config.type, &database->driver)
        || apr_dbd_open(database->driver, database->pool,
                        *place(t) == '/' ? place(t) : t->config.location,
                        &database->handle)) {
        abort();
    }
}

static void close_database(database_t *database)
{
    apr_dbd_close(database->driver, database->handle);
    apr_pool_destroy(database->pool);
}

/* Run a text; return the database's error. */
static int run_text(database_t *database, const char *text)
{
    int count;

    return apr_dbd_query(database->driver, database->handle, &count, text);
}

static void run_alone(test_t *t, const char *text)
{
    database_t database;

    open_database(&database, t);
    if (run_text(&database, text)) {
        printf("# %s failed\n", text);
    }
    close_database(&database);
}

/* Select text; return the first cell, or NULL. */
static const char *select_cell(test_t *t, const char *text)
{
    database_t database;
    apr_dbd_results_t *results = NULL;
    apr_dbd_row_t *row = NULL;
    const char *cell = NULL;

    open_database(&database, t);
    if (!apr_dbd_select(database.driver, database.pool, database.handle,
                        &results, text, 0)) {
        while (!apr_dbd_get_row(database.driver, database.pool, results, &row,
                                -1)) {
            cell = apr_pstrdup(t->run->pool,
                               apr_dbd_get_entry(database.driver, row, 0));
        }
    }
    close_database(&database);
    return cell;
}

static void write_bytes(const char *path, int flags, const char *text,
                        off_t offset)
{
    int fd = open(path, O_WRONLY | flags, 0640);

    if (fd == -1
        || pwrite(fd, text, strlen(text), offset) != (ssize_t)strlen(text)) {
        abort();
    }
    close(fd);
}

static const char *log_path(const test_t *t)
{
    return apr_pstrcat(t->run->pool, place(t), ".log-1", NULL);
}

/* Write the head of a DBM, in a copy, because the DBM is open. */
static void write_head(test_t *t, const char *text)
{
    oci_value_t value = { text, strlen(text) };
    apr_pool_t *pool = make_pool();
    const char *copy = apr_pstrcat(pool, place(t), ".copy", NULL);
    oci_dbm_records_t *records;

    if (apr_file_copy(place(t), copy, APR_FPROT_FILE_SOURCE_PERMS, pool)
        || oci_dbm_records_open(&records, t->config.type, copy,
                                APR_DBM_READWRITE, pool)
        || oci_dbm_records_put(records, 'h', "mod_oci index", &value)) {
        abort();
    }
    oci_dbm_records_close(records);
    if (rename(copy, place(t))) {
        abort();
    }
    apr_pool_destroy(pool);
}

#define LOG_VERSION 18 /* its offset in the first line of a log */

/* Write the version of an index, but not its names. */
static void write_old_version(test_t *t)
{
    if (is_database(t)) {
        run_alone(t,
                  "UPDATE oci_facts2 SET value = 'mod_oci index 1' "
                  "WHERE name = '.version' AND part = -1");
    }
    else if (t->config.type) {
        write_head(t, "1 1 0 0");
        write_bytes(log_path(t), 0, "1", LOG_VERSION);
    }
    else {
        write_bytes(apr_pstrcat(t->run->pool, place(t), "/.version", NULL),
                    O_TRUNC, "mod_oci index 1\n", 0);
    }
}

/* Turn the index into one of version 1. */
static void lower(test_t *t)
{
    write_old_version(t);
    if (is_database(t)) {
        run_alone(t, "DROP TABLE IF EXISTS oci_facts");
        run_alone(t, "ALTER TABLE oci_facts2 RENAME TO oci_facts");
    }
    else if (rename(lock_path(t, "s"), lock_path(t, ""))) {
        abort();
    }
}

/* Return whether the index states a version, in all the places of it. */
static int has_version(test_t *t, int version)
{
    const char *text = apr_psprintf(t->run->pool, "mod_oci index %d", version);
    char line[64] = "";
    const char *cell;
    int fd;

    if (is_database(t)) {
        cell = select_cell(t,
                           version == 1
                               ? "SELECT value FROM oci_facts WHERE part = -1"
                               : "SELECT value FROM oci_facts2 "
                                 "WHERE part = -1");
        return cell && !strcmp(cell, text);
    }
    fd = open(t->config.type
                  ? log_path(t)
                  : apr_pstrcat(t->run->pool, place(t), "/.version", NULL),
              O_RDONLY);
    if (fd == -1 || read(fd, line, sizeof(line) - 1) < 0) {
        abort();
    }
    close(fd);
    return t->config.type ? line[LOG_VERSION] == '0' + version
                          : !strncmp(line, text, strlen(text));
}

static int has_facts(test_t *t)
{
    apr_pool_t *pool = make_pool();
    const char *found = page(t->index, "raise/", NULL, 0, 1, pool);
    int good = !strcmp(found, "raise/a=old raise/b=")
        && has(t, "raise/b", "", 0);

    if (!good) {
        printf("# %s\n", found);
    }
    apr_pool_destroy(pool);
    return good;
}

/* What code of version 1 does when it begins a change. */
static int old_lock_fails(test_t *t)
{
    oci_lock_t *lock;
    apr_pool_t *pool = make_pool();
    int failed = oci_file_lock_take(&lock, lock_path(t, ""), "x",
                                    OCI_LOCK_SHARED, pool)
        == ENOENT;

    apr_pool_destroy(pool);
    return failed;
}

static void prepare_old(database_t *database, test_t *t)
{
    open_database(database, t);
    database->get = database->delete = NULL;
    if (apr_dbd_prepare(database->driver, database->pool, database->handle,
                        OLD_GET, "old_get", &database->get)
        || apr_dbd_prepare(database->driver, database->pool, database->handle,
                           OLD_DELETE, "old_delete", &database->delete)) {
        abort();
    }
}

/* Return whether a prepared statement of version 1 that reads fails. */
static int old_get_fails(database_t *database)
{
    apr_dbd_results_t *results = NULL;
    apr_dbd_row_t *row = NULL;
    const char *args[] = { "raise/a" };
    int seek = !strcmp(apr_dbd_name(database->driver), "pgsql");

    /* Without seek, PostgreSQL's driver does not report the failure. */
    return apr_dbd_pselect(database->driver, database->pool, database->handle,
                           &results, database->get, seek, 0, args)
        || apr_dbd_get_row(database->driver, database->pool, results, &row, -1)
        > 0;
}

/* Return whether all statements of version 1 fail, those that were prepared
 * before, and those of a new connection. */
static int old_statements_fail(database_t *database)
{
    const char *args[] = { "raise/a" };
    int count, failed;

    failed = old_get_fails(database)
        && apr_dbd_pquery(database->driver, database->pool, database->handle,
                          &count, database->delete, 0, args);
    run_text(database, OLD_CREATE);
    return failed && run_text(database, OLD_INSERT)
        && run_text(database,
                    "SELECT value FROM oci_facts WHERE name = "
                    "'.version' AND part = -1");
}

static int start_index(void *data, int number)
{
    test_t *t = data;
    oci_index_t *index;
    apr_pool_t *pool = make_pool();
    const char *error = t->provider->create(&index, &t->config, pool);

    (void)number;
    if (!error) {
        error = t->provider->start(index, getuid(), getgid(), pool);
    }
    if (!error && t->provider->get(NULL, index, "raise/a", pool)) {
        error = "no fact";
    }
    if (error) {
        printf("# %s\n", error);
    }
    return error != NULL;
}

/* Return what an open says that must not raise the index; NULL if it changes
 * anything. */
static const char *open_unraised(test_t *t)
{
    oci_store_config_t config = t->config;
    oci_index_t *index;
    oci_value_t value;
    apr_pool_t *pool = t->run->pool;
    const char *error;

    config.no_raise = 1;
    error = t->provider->create(&index, &config, pool);
    if (!error) {
        error = t->provider->start(index, getuid(), getgid(), pool);
    }
    if (!error && t->provider->get(&value, index, "raise/a", pool)) {
        apr_pool_userdata_get((void **)&error, OCI_REASON, pool);
    }
    return has_version(t, 1) ? error : NULL;
}

static void check_unraised(test_t *t)
{
    const char *error = open_unraised(t);

    tap_ok(&t->run->tap,
           error && strstr(error, "start httpd with the new mod_oci first"),
           "an open that may not raise it refuses it");
    printf("# %s\n", error ? error : "nothing");
}

/* Locks that a process of version 1 holds count in version 2. */
static void check_files(test_t *t)
{
    apr_pool_t *old = make_pool(), *pool = make_pool();
    oci_lock_t *lock;

    lower(t);
    tap_ok(&t->run->tap,
           !oci_file_lock_take(&lock, lock_path(t, ""), "x", OCI_LOCK_EXCLUSIVE,
                               old),
           "a process of version 1 holds a lock");
    tap_is(&t->run->tap, t->provider->check(t->index, t->run->pool), NULL,
           "a check accepts version 1");
    tap_ok(&t->run->tap, has_version(t, 1) && !access(lock_path(t, ""), F_OK),
           "and changes nothing");
    check_unraised(t);
    tap_is(&t->run->tap,
           t->provider->start(t->index, getuid(), getgid(), t->run->pool), NULL,
           "a start raises the index");
    tap_ok(&t->run->tap, has_version(t, 2) && has_facts(t),
           "it has version 2, and the facts of before");
    tap_ok(&t->run->tap,
           oci_file_lock_try(&lock, lock_path(t, "s"), "x", pool) == APR_EBUSY,
           "the lock is still held");
    tap_ok(&t->run->tap, old_lock_fails(t), "version 1 takes no other lock");
    apr_pool_destroy(old);
    tap_ok(&t->run->tap,
           !oci_file_lock_try(&lock, lock_path(t, "s"), "x", pool),
           "and its lock ends");
    apr_pool_destroy(pool);

    write_old_version(t);
    write_bytes(lock_path(t, ""), O_CREAT, "x", 0);
    tap_ok(&t->run->tap,
           !start_index(t, 0) && has_version(t, 2) && old_lock_fails(t)
               && has_facts(t),
           "a start that was killed is continued");
}

static void check_database(test_t *t)
{
    database_t database;

    lower(t);
    prepare_old(&database, t);
    tap_is(&t->run->tap, t->provider->check(t->index, t->run->pool), NULL,
           "a check accepts version 1");
    tap_ok(&t->run->tap, has_version(t, 1), "and changes nothing");
    check_unraised(t);
    tap_ok(&t->run->tap, !start_index(t, 0) && has_version(t, 2),
           "a session raises the index");
    tap_ok(&t->run->tap, old_statements_fail(&database),
           "no statement of version 1 works");
    close_database(&database);
    tap_ok(&t->run->tap, !start_index(t, 0) && has_version(t, 2),
           "the index is opened again");
    write_old_version(t);
    tap_ok(&t->run->tap, !start_index(t, 0) && has_version(t, 2),
           "a session that was killed is continued");
    tap_ok(&t->run->tap,
           !select_cell(t, "SELECT value FROM oci_facts WHERE part = -1")
               && !select_cell(t, "SELECT 1 FROM oci_facts1"),
           "nothing else is left");
}

static void run_checks(test_t *t)
{
    put(t->index, "raise/a", "old");
    put(t->index, "raise/b", "");
    if (t->config.type && !is_database(t)) {
        tap_ok(&t->run->tap, has_version(t, 2), "a new index has version 2");
    }
    if (is_database(t)) {
        check_database(t);
    }
    else {
        check_files(t);
    }
    lower(t);
    tap_ok(&t->run->tap, !run_processes(start_index, t, 8) && has_version(t, 2),
           "eight processes raise an index at once");
    if (open_twice(t)) {
        tap_ok(&t->run->tap,
               has_facts(t) && put(t->index, "raise/a", "new") == APR_SUCCESS
                   && has(t, "raise/a", "new", 3)
                   && erase(t->index, "raise/b") == APR_SUCCESS
                   && lacks(t, "raise/b"),
               "facts of version 1 are changed and deleted");
    }
    erase(t->index, "raise/a");
}

int main(int argc, char **argv)
{
    return run_contract(argc, argv, run_checks);
}
