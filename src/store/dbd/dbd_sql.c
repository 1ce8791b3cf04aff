/* SPDX-License-Identifier: Apache-2.0 */

/* The SQL statements, in the dialect of each database. */

#include <string.h>

#include "store/dbd/dbd_sql.h"

/* README shows these statements to administrators. */
#define CREATE(name, value, options)                                  \
    "CREATE TABLE IF NOT EXISTS oci_facts2 (name " name " NOT NULL, " \
    "part INTEGER NOT NULL, value " value " NOT NULL, "               \
    "PRIMARY KEY (name, part))" options

#define RANGE                                                         \
    "FROM oci_facts2 WHERE name > %pDt AND name < %pDt AND part = 0 " \
    "ORDER BY name LIMIT %d"

#define GET    "SELECT value FROM oci_facts2 WHERE name = %pDt ORDER BY part"
#define EXISTS "SELECT part FROM oci_facts2 WHERE name = %pDt AND part = 0"
#define LIST   "SELECT name " RANGE
#define FOLLOW(target)                                      \
    "SELECT a.value, b.part, b.value FROM oci_facts2 AS a " \
    "LEFT JOIN oci_facts2 AS b ON b.name = " target " "     \
    "WHERE a.name = %pDt AND a.part = 0 ORDER BY b.part"
#define READ   "SELECT name, value " RANGE
#define DELETE "DELETE FROM oci_facts2 WHERE name = %pDt AND part >= 0"

/* PostgreSQL and SQLite */
#define PUT                                                              \
    "INSERT INTO oci_facts2 (name, part, value) VALUES (%pDt, 0, %pDt) " \
    "ON CONFLICT (name, part) DO UPDATE SET value = excluded.value "     \
    "WHERE oci_facts2.value <> excluded.value "                          \
    "AND SUBSTR(oci_facts2.value, 1, 1) <> '+'"
#define ADD                                                               \
    "INSERT INTO oci_facts2 (name, part, value) VALUES (%pDt, %d, %pDt) " \
    "ON CONFLICT DO NOTHING"

/* PostgreSQL makes several changes in one statement, which needs no BEGIN and
 * COMMIT.  Rows that have their value already are not touched or locked,
 * because others would wait for them until this statement is on the disk.  If
 * another process changes such a row meanwhile, its change came between two of
 * these. If a row has become long since the statement began, the division by
 * zero undoes everything, and the next try sees it. */
#define CHANGE                                                             \
    "WITH new AS (SELECT t.name COLLATE \"C\" AS name, t.value FROM "      \
    "unnest(string_to_array(%pDt, E'\\x01'), "                             \
    "string_to_array(%pDt, E'\\x01')) AS t (name, value)), "               \
    "old AS (SELECT new.name, facts.value = new.value AS same, "           \
    "SUBSTR(facts.value, 1, 1) = '+' AS long FROM new JOIN oci_facts2 AS " \
    "facts ON facts.name = new.name AND facts.part = 0), "                 \
    "put AS (INSERT INTO oci_facts2 (name, part, value) "                  \
    "SELECT name, 0, value FROM new "                                      \
    "WHERE name NOT IN (SELECT name FROM old WHERE same) "                 \
    "AND NOT EXISTS (SELECT 1 FROM old WHERE long) "                       \
    "ON CONFLICT (name, part) DO UPDATE SET value = excluded.value "       \
    "WHERE SUBSTR(oci_facts2.value, 1, 1) <> '+' RETURNING name), "        \
    "gone AS (DELETE FROM oci_facts2 AS facts USING "                      \
    "unnest(string_to_array(%pDt, E'\\x01')) AS t (name) "                 \
    "WHERE facts.name = t.name COLLATE \"C\" AND facts.part >= 0 "         \
    "AND NOT EXISTS (SELECT 1 FROM old WHERE long)), "                     \
    "done AS (SELECT (SELECT COUNT(*) FROM put) "                          \
    "+ (SELECT COUNT(*) FROM old WHERE same) AS count) "                   \
    "SELECT CASE WHEN count = (SELECT COUNT(*) FROM new) "                 \
    "OR EXISTS (SELECT 1 FROM old WHERE long) THEN count "                 \
    "ELSE 1 / (SELECT COUNT(*) FROM new WHERE name IS NULL) END FROM done"

/* The table of version 1.  Code that knows only that version creates its table
 * if it is missing, so another table takes its place, in which no statement of
 * that code works. */
#define OLD_TABLE "CREATE TABLE oci_facts (moved_to_oci_facts2 INTEGER)"

static const char *const sqlite_raise[] = {
    "BEGIN IMMEDIATE",
    "ALTER TABLE oci_facts RENAME TO oci_facts2",
    OLD_TABLE,
    "COMMIT",
    NULL,
};

/* Several statements that are sent together are one transaction. */
static const char *const pgsql_raise[] = {
    "ALTER TABLE oci_facts RENAME TO oci_facts2; " OLD_TABLE,
    NULL,
};

/* MariaDB commits each statement by itself. */
static const char *const mysql_raise[] = {
    "CREATE TABLE IF NOT EXISTS oci_facts1 (moved_to_oci_facts2 INTEGER)",
    "RENAME TABLE oci_facts TO oci_facts2, oci_facts1 TO oci_facts",
    NULL,
};

/* A lock of MariaDB has a name and one holder.  So our lock is a number of
 * slots, each a lock of MariaDB: a shared lock holds any one slot, an exclusive
 * lock holds all. */
#define SLOTS     32
#define SLOT_NAME "CONCAT(LEFT(MD5(CONCAT(DATABASE(), ' oci ', %s)), 24), ':', "
#define ALL_SLOTS(function, more)                                            \
    "SELECT SUM(" function "(" SLOT_NAME "slot)" more ")) FROM ("            \
    "SELECT 8 * a + b AS slot FROM (SELECT 0 AS a UNION SELECT 1 "           \
    "UNION SELECT 2 UNION SELECT 3) AS tens, (SELECT 0 AS b UNION SELECT 1 " \
    "UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 UNION SELECT 5 "           \
    "UNION SELECT 6 UNION SELECT 7) AS ones ORDER BY slot) AS slots"

static const char *const sqlite_statements[OCI_SQL_COUNT] = {
    [OCI_SQL_GET] = GET,
    [OCI_SQL_EXISTS] = EXISTS,
    [OCI_SQL_LIST] = LIST,
    [OCI_SQL_READ] = READ,
    [OCI_SQL_PUT] = PUT,
    [OCI_SQL_ADD] = ADD,
    [OCI_SQL_DELETE] = DELETE,
    [OCI_SQL_FOLLOW] = FOLLOW(
        "%pDt || SUBSTR(a.value, 1, INSTR(a.value || ';', ';') - 1)"),
};

static const char *const pgsql_statements[OCI_SQL_COUNT] = {
    [OCI_SQL_GET] = GET,
    [OCI_SQL_EXISTS] = EXISTS,
    [OCI_SQL_LIST] = LIST,
    [OCI_SQL_READ] = READ,
    [OCI_SQL_PUT] = PUT,
    [OCI_SQL_ADD] = ADD,
    [OCI_SQL_DELETE] = DELETE,
    [OCI_SQL_CHANGE] = CHANGE,
    [OCI_SQL_FOLLOW] = FOLLOW(
        "(%pDt || SPLIT_PART(a.value, ';', 1)) COLLATE \"C\""),
    [OCI_SQL_SHARE] = "SELECT 1 FROM pg_advisory_lock_shared(%lld)",
    [OCI_SQL_LOCK] = "SELECT 1 FROM pg_advisory_lock(%lld)",
    [OCI_SQL_UNSHARE] = "SELECT pg_advisory_unlock_shared(%lld)::int",
    [OCI_SQL_UNLOCK] = "SELECT pg_advisory_unlock(%lld)::int",
};

static const char *const mysql_statements[OCI_SQL_COUNT] = {
    [OCI_SQL_GET] = GET,
    [OCI_SQL_EXISTS] = EXISTS,
    [OCI_SQL_LIST] = LIST,
    [OCI_SQL_READ] = READ,
    [OCI_SQL_PUT] =
        "INSERT INTO oci_facts2 (name, part, value) VALUES (%pDt, 0, %pDt) "
        "ON DUPLICATE KEY UPDATE "
        "value = IF(SUBSTR(value, 1, 1) = '+', value, VALUES(value))",
    [OCI_SQL_ADD] =
        "INSERT INTO oci_facts2 (name, part, value) VALUES (%pDt, %d, %pDt)",
    [OCI_SQL_DELETE] = DELETE,
    [OCI_SQL_FOLLOW] = FOLLOW("CONCAT(%pDt, SUBSTRING_INDEX(a.value, ';', 1))"),
    [OCI_SQL_COMMIT] = "COMMIT",
    [OCI_SQL_SHARE] = "SELECT GET_LOCK(" SLOT_NAME "%s), %d)",
    [OCI_SQL_LOCK] = ALL_SLOTS("GET_LOCK", ", @@max_statement_time"),
    [OCI_SQL_UNSHARE] = "SELECT RELEASE_LOCK(" SLOT_NAME "%s))",
    [OCI_SQL_UNLOCK] = ALL_SLOTS("RELEASE_LOCK", ""),
};

/* In WAL mode readers and the writer do not block each other. */
static const char *const sqlite_setup[] = {
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    NULL,
};

/* Notices would be written to httpd's error log.  All statements are best
 * served by looking up each name in the index of the table.  A plan that is
 * kept knows neither a range nor a limit nor the length of a list, and might
 * read the whole table. */
static const char *const pgsql_setup[] = {
    "SET client_min_messages TO error; SET enable_seqscan TO off; "
    "SET enable_bitmapscan TO off; SET enable_hashjoin TO off; "
    "SET enable_mergejoin TO off; SET max_parallel_workers_per_gather TO 0",
    NULL,
};

/* Concurrent pushes of the same content must not lock the gaps between rows. */
static const char *const mysql_setup[] = {
    "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
    NULL,
};

/* In milliseconds.  The server notices after about half a minute that the host
 * of a client is gone. */
#define PGSQL_LIMITS                                            \
    "SET lock_timeout = %d; SET statement_timeout = %d; "       \
    "SET idle_in_transaction_session_timeout = '30s'; "         \
    "SET tcp_user_timeout = %d; SET tcp_keepalives_idle = 10; " \
    "SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3"

/* In seconds.  MariaDB cannot probe a client's host, so a connection that holds
 * locks is closed after a minute without statements. */
#define MYSQL_LIMITS                                                      \
    "SET SESSION innodb_lock_wait_timeout = %d, lock_wait_timeout = %d, " \
    "max_statement_time = %d"
#define MYSQL_LOCK_LIMITS "SET SESSION wait_timeout = 60"

static const oci_dialect_t dialects[] = {
    { .driver = "sqlite3",
      .begin = "BEGIN IMMEDIATE",
      .create = CREATE("TEXT", "TEXT", " WITHOUT ROWID"),
      .find_old = "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' "
                  "AND name = 'oci_facts'",
      .raise = sqlite_raise,
      .undo = "ROLLBACK",
      .setup = sqlite_setup,
      /* brief: see begin_transaction in dbd_change.c */
      .limits = "PRAGMA busy_timeout = 50",
      .unit = 1000,
      .statements = sqlite_statements,
      .is_file = 1 },
    { .driver = "pgsql",
      .begin = "BEGIN",
      .create = CREATE("TEXT COLLATE \"C\"", "TEXT", ""),
      .find_old = "SELECT COUNT(to_regclass('oci_facts'))",
      .raise = pgsql_raise,
      .undo = "ROLLBACK",
      .setup = pgsql_setup,
      .limits = PGSQL_LIMITS,
      .unit = 1000,
      .statements = pgsql_statements,
      .seek = 1 },
    { .driver = "mysql",
      .begin = "BEGIN",
      .create = CREATE("VARBINARY(1023)", "VARBINARY(8000)", " ENGINE=InnoDB"),
      .find_old = "SELECT COUNT(*) FROM information_schema.tables WHERE "
                  "table_schema = DATABASE() AND table_name = 'oci_facts'",
      .raise = mysql_raise,
      .undo = "DROP TABLE IF EXISTS oci_facts1",
      .setup = mysql_setup,
      .limits = MYSQL_LIMITS,
      .lock_limits = MYSQL_LOCK_LIMITS,
      .unit = 1,
      .statements = mysql_statements,
      .duplicate = 1062,
      .slots = SLOTS },
};

const oci_dialect_t *oci_dialect_of(const char *driver)
{
    apr_size_t i;

    for (i = 0; i < sizeof(dialects) / sizeof(dialects[0]); i++) {
        if (!strcmp(driver, dialects[i].driver)) {
            return &dialects[i];
        }
    }
    return NULL;
}
