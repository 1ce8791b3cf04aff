/* SPDX-License-Identifier: Apache-2.0 */

/* Tests of the dbd provider only: refusals, the table, and the reasons of
 * failures.  They use SQLite, which needs no server. */

#include "contract.h"

#include "apr_dbd.h"

#include "store/dbd/dbd_connect.h"
#include "store/dbd/dbd_index.h"

typedef struct test_t {
    run_t *run;
    const char *file;
    oci_index_t *index;
    const apr_dbd_driver_t *driver;
    apr_dbd_t *database; /* the same database, without the provider */
} test_t;

static const char *try_create(test_t *t, const char *type, const char *location)
{
    oci_store_config_t config = { .type = type,
                                  .location = location,
                                  .base = t->run->dir };
    const char *error = oci_index_dbd.create(&t->index, &config, t->run->pool);

    return error
        ? error
        : oci_index_dbd.start(t->index, getuid(), getgid(), t->run->pool);
}

/* Check the status of a failing call, and its reason. */
static void check_failure(test_t *t, apr_status_t wanted, const char *word)
{
    apr_pool_t *pool = make_pool();
    oci_value_t value;
    void *reason;

    is_status(t->run, oci_index_dbd.get(&value, t->index, "a/b", pool), wanted,
              "a call fails");
    apr_pool_userdata_get(&reason, OCI_REASON, pool);
    says(t->run, reason, "", word);
    apr_pool_destroy(pool);
}

static void run_sql(test_t *t, const char *text)
{
    int count;
    int error = apr_dbd_query(t->driver, t->database, &count, text);

    if (error) {
        printf("# %s: %s\n", text,
               apr_dbd_error(t->driver, t->database, error));
    }
}

/* Return the cells of the rows that a text selects, each followed by "|". */
static const char *select_sql(test_t *t, const char *text)
{
    apr_pool_t *pool = t->run->pool;
    apr_dbd_results_t *results = NULL;
    apr_dbd_row_t *row = NULL;
    const char *cells = "";
    int i;

    if (apr_dbd_select(t->driver, pool, t->database, &results, text, 0)) {
        return "(failed)";
    }
    while (!apr_dbd_get_row(t->driver, pool, results, &row, -1)) {
        for (i = 0; i < apr_dbd_num_cols(t->driver, results); i++) {
            cells = apr_pstrcat(pool, cells,
                                apr_dbd_get_entry(t->driver, row, i), "|",
                                NULL);
        }
    }
    return cells;
}

static apr_status_t put(test_t *t, const char *key, const char *data,
                        apr_size_t size)
{
    oci_change_t change = { OCI_CHANGE_PUT, key, { data, size } };

    return oci_index_dbd.apply(t->index, &change, 1, 1, t->run->pool);
}

static void check_refusals(test_t *t)
{
    says(t->run, try_create(t, NULL, NULL), "dbd:DRIVER",
         "sqlite3, pgsql, mysql");
    says(t->run, try_create(t, "nosuch", "x"), "'nosuch'", "unknown driver");
    says(t->run, try_create(t, "pgsql", NULL), "dbd:pgsql", "parameters");
    says(t->run, try_create(t, "sqlite3", "no/where.db"), "no/where.db",
         "cannot create");
    tap_is(&t->run->tap, try_create(t, "sqlite3", ":memory:"), NULL,
           "a name with colons");
    tap_is(&t->run->tap, try_create(t, "sqlite3", "file.db"), NULL,
           "a file below ServerRoot");
}

static void check_table(test_t *t)
{
    char *big = apr_palloc(t->run->pool, 9001);

    memset(big, 'x', 9000);
    big[9000] = '\0';
    is_status(t->run, put(t, "a/text", "sha256:ab", 9), APR_SUCCESS,
              "the table is created at the first use");
    put(t, "a/bytes", "\xff", 1);
    put(t, "a/big", big, 9000);
    tap_is(
        &t->run->tap,
        select_sql(t,
                   "SELECT name, part, "
                   "SUBSTR(value, 1, 9) FROM oci_facts2 ORDER BY name, part"),
        ".version|-1|mod_oci i|a/big|0|+xxxxxxxx|a/big|1|xxxxxxxxx|"
        "a/bytes|0|=/w==|a/text|0|sha256:ab|",
        "the rows of the table");
    put(t, "a/big", "small", 5);
    tap_is(&t->run->tap,
           select_sql(t,
                      "SELECT name, part, value FROM "
                      "oci_facts2 WHERE name = 'a/big'"),
           "a/big|0|small|", "a smaller value leaves no rows behind");
    tap_is(&t->run->tap, select_sql(t, "PRAGMA journal_mode"), "wal|",
           "readers do not block the writer");
}

/* Rows that another program changed are reported, not served. */
static void check_damage(test_t *t)
{
    run_sql(t, "INSERT INTO oci_facts2 VALUES ('a/b', 0, '=%')");
    check_failure(t, APR_EINVAL, "a/b");
    run_sql(t, "UPDATE oci_facts2 SET value = '+lost' WHERE name = 'a/b'");
    check_failure(t, APR_EINVAL, "a/b");
    is_status(t->run, put(t, "a/b", "new", 3), APR_SUCCESS,
              "a new value replaces a damaged one");
    tap_is(&t->run->tap,
           select_sql(t, "SELECT value FROM oci_facts2 WHERE name = 'a/b'"),
           "new|", "the damaged rows are replaced");
}

static void check_versions(test_t *t)
{
    run_sql(t,
            "UPDATE oci_facts2 SET value = 'mod_oci index 3' "
            "WHERE name = '.version'");
    try_create(t, "sqlite3", "file.db");
    check_failure(t, APR_EINVAL, "\"mod_oci index 3\"");
    run_sql(t, "DROP TABLE oci_facts2");
    run_sql(t, "CREATE TABLE oci_facts2 (other INTEGER)");
    try_create(t, "sqlite3", "file.db");
    check_failure(t, APR_EGENERAL, "no such column");
    tap_is(&t->run->tap, select_sql(t, "SELECT * FROM oci_facts2"), "",
           "the table of another program is not changed");
}

/* An index of version 1 whose table cannot be renamed is not hidden by a new
 * one. */
static void check_rename(test_t *t)
{
    run_sql(t, "DROP TABLE oci_facts");
    run_sql(t, "DROP TABLE oci_facts2");
    run_sql(t,
            "CREATE TABLE oci_facts (name TEXT NOT NULL, part INTEGER NOT "
            "NULL, value TEXT NOT NULL, PRIMARY KEY (name, part))");
    run_sql(t,
            "INSERT INTO oci_facts VALUES ('.version', -1, "
            "'mod_oci index 1'), ('a/b', 0, 'old')");
    run_sql(t, "CREATE INDEX oci_facts2 ON oci_facts (value)");
    try_create(t, "sqlite3", "file.db");
    check_failure(t, APR_EGENERAL,
                  "run as a user who may: BEGIN IMMEDIATE; "
                  "ALTER TABLE oci_facts RENAME TO oci_facts2; ");
    tap_is(&t->run->tap,
           select_sql(t, "SELECT value FROM oci_facts WHERE name = 'a/b'"),
           "old|", "the table stays as it is");
    run_sql(t, "DROP INDEX oci_facts2");
    try_create(t, "sqlite3", "file.db");
    tap_is(&t->run->tap,
           select_sql(t, "SELECT value FROM oci_facts2 WHERE name = 'a/b'"),
           "(failed)", "only a session renames it");
    is_status(t->run, put(t, "a/c", "1", 1), APR_SUCCESS, "a session");
    tap_is(&t->run->tap,
           select_sql(t, "SELECT value FROM oci_facts2 ORDER BY name"),
           "mod_oci index 2|old|1|", "renames it");
}

static void check_old_versions(test_t *t)
{
    run_sql(t, "DROP TABLE oci_facts");
    run_sql(t, "DROP TABLE oci_facts2");
    run_sql(t, "CREATE TABLE oci_facts (name TEXT, part INTEGER, value TEXT)");
    try_create(t, "sqlite3", "file.db");
    check_failure(t, APR_EINVAL, "the table oci_facts has version \"none\"");
    run_sql(t, "INSERT INTO oci_facts VALUES ('.version', -1, 'other 1')");
    try_create(t, "sqlite3", "file.db");
    check_failure(t, APR_EINVAL, "the table oci_facts has version \"other 1\"");
    tap_is(&t->run->tap, select_sql(t, "SELECT * FROM oci_facts2"), "(failed)",
           "and no other table is created");
}

/* A database that refuses writes. */
static void check_rights(test_t *t)
{
    run_sql(t, "DROP TABLE oci_facts2");
    try_create(t, "sqlite3", "file.db");
    is_status(t->run, put(t, "a/b", "1", 1), APR_SUCCESS, "a new table");
    run_sql(t,
            "CREATE TRIGGER stop BEFORE INSERT ON oci_facts2 BEGIN "
            "SELECT RAISE(ABORT, 'not today'); END");
    is_status(t->run, put(t, "a/c", "1", 1), APR_EGENERAL,
              "a write that the database refuses");
    says(t->run,
         apr_pool_userdata_get((void **)&t->file, OCI_REASON, t->run->pool)
             ? NULL
             : t->file,
         "", "not today");
    run_sql(t, "DROP TRIGGER stop");
    is_status(t->run, put(t, "a/c", "1", 1), APR_SUCCESS,
              "a write that the database accepts later");
}

/* Limits are added in the form that the parameters have. */
static void check_params(test_t *t)
{
    static const struct {
        const char *driver;
        const char *params;
        const char *added;
    } cases[] = {
        { "pgsql", "host=x user=y", " connect_timeout=8 " },
        { "pgsql", "password=a://b user=y", " connect_timeout=8 " },
        { "pgsql", "postgresql://x/y", "?connect_timeout=8&" },
        { "pgsql", "postgres://x/y?user=z", "&connect_timeout=8&" },
        { "mysql", "pass=a://b", " reconnect=0" },
        { "mysql", "pass=b reconnect=1", "pass=b reconnect=1" },
        { "sqlite3", "/a://b", "/a://b" },
    };
    apr_size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const char *params = oci_dbd_params_with_limits(cases[i].driver,
                                                        cases[i].params, 8,
                                                        t->run->pool);

        tap_ok(&t->run->tap,
               strstr(params, cases[i].added)
                   && !strncmp(params, cases[i].params,
                               strlen(cases[i].params)),
               "%s: %s", cases[i].driver, params);
    }
}

/* The name of a database is taken only where it is certain. */
static void check_names(test_t *t)
{
    static const struct {
        const char *driver;
        const char *params;
        const char *name;
    } cases[] = {
        { "pgsql", "host=x dbname=a_1 user=y", "a_1" },
        { "pgsql", "dbname =a", "a" },
        { "pgsql", "password= dbname=a", NULL },
        { "pgsql", "password=x,dbname=a", NULL },
        { "pgsql", "xdbname=a", NULL },
        { "pgsql", "dbname=a dbname=b", NULL },
        { "pgsql", "dbname='a'", NULL },
        { "pgsql", "dbname=A", NULL },
        { "pgsql", "dbname=", NULL },
        { "pgsql", "postgresql://x/y?dbname=a", NULL },
        { "mysql", "host=x,dbname=a,user=y", "a" },
        { "mysql", "host=x;user=y", NULL },
    };
    apr_size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const char *name = oci_dbd_params_database(cases[i].driver,
                                                   cases[i].params,
                                                   t->run->pool);

        tap_is(&t->run->tap, name ? name : "",
               cases[i].name ? cases[i].name : "", cases[i].params);
    }
}

int main(void)
{
    run_t run;
    test_t t = { .run = &run };

    begin(&run);
    check_refusals(&t);
    check_params(&t);
    check_names(&t);
    t.file = apr_pstrcat(run.pool, run.dir, "/file.db", NULL);
    if (apr_dbd_get_driver(run.pool, "sqlite3", &t.driver) != APR_SUCCESS
        || apr_dbd_open(t.driver, run.pool, t.file, &t.database)
            != APR_SUCCESS) {
        printf("Bail out! no SQLite\n");
        return 1;
    }
    check_table(&t);
    check_damage(&t);
    check_versions(&t);
    check_rights(&t);
    check_rename(&t);
    check_old_versions(&t);
    apr_dbd_close(t.driver, t.database);
    return finish(&run);
}
