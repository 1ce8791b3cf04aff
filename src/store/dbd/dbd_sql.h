/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file dbd_sql.h
 * @brief The SQL statements, in the dialect of each database
 *
 * All facts are in one table:
 *
 *     oci_facts2 (name, part, value), its key (name, part)
 *
 * A fact has a row with part 0, and further rows if its value is long (see
 * dbd_value.h).  Names are compared bytewise.  The row (".version", -1) says
 * which program the table belongs to.  An index of version 1 has the name
 * oci_facts, and is renamed, see dbd_table.h.
 */

#ifndef OCI_DBD_SQL_H
#define OCI_DBD_SQL_H

#include "apr.h"

#define OCI_DBD_VERSION     "mod_oci index 2"
#define OCI_DBD_OLD_VERSION "mod_oci index 1"

/** Between the texts of a list, which never contain it. */
#define OCI_DBD_SEPARATOR '\x01'

/** Statements, in the form of apr_dbd_prepare. */
typedef enum {
    OCI_SQL_GET,    /* name -> value, by part */
    OCI_SQL_EXISTS, /* name -> part */
    OCI_SQL_FOLLOW, /* prefix, name -> its value, and part and value, by part,
                       of the fact that is named by the prefix and the part of
                       the first value before its first ";"; these are empty if
                       there is no such fact */
    OCI_SQL_LIST,   /* above, below, limit -> name */
    OCI_SQL_READ,   /* above, below, limit -> name, value of part 0 */
    OCI_SQL_PUT, /* name, value: set the only row; no row is changed if it has
                    this value or further rows exist */
    OCI_SQL_ADD, /* name, part, value; no row is changed if it exists */
    OCI_SQL_DELETE, /* name */
    OCI_SQL_CHANGE, /* a list of names, of values, and of names to delete -> how
                       many names have their value now; if one of them has
                       further rows, no row is changed */
    OCI_SQL_COMMIT, /* if the driver may send a text again through a new
                       connection */
    OCI_SQL_SHARE,  /* hash, slot, seconds -> 1 if it was acquired */
    OCI_SQL_LOCK,   /* hash */
    OCI_SQL_UNSHARE, /* hash, slot */
    OCI_SQL_UNLOCK,  /* hash */
    OCI_SQL_COUNT
} oci_sql_e;

/** The dialect of a database. */
typedef struct oci_dialect_t {
    const char *driver;   /* as apr_dbd names it */
    const char *begin;    /* begin a transaction that writes */
    const char *create;   /* create the table */
    const char *find_old; /* -> 1 if a table has the name of version 1, or 0 */
    const char *const *raise; /* rename the table of version 1, and put a table
                                 without facts in its place; ended by NULL */
    const char *undo;         /* run when one of these has failed */
    const char *const *setup; /* run on each new connection, ended by NULL */
    const char *limits; /* run on each new connection; takes the limit of a wait
                           three times */
    const char *lock_limits; /* run on a new connection for locks, or NULL */
    int unit;                /* units of the limit in a second */
    const char *const *statements; /* by oci_sql_e; NULL if it has none */
    int duplicate;                 /* the error for a row that exists; or 0 */
    int seek;    /* the argument "random" for apr_dbd_pselect */
    int slots;   /* how many can share a lock; 0: no limit */
    int is_file; /* the database is one file, with a lock file beside it */
} oci_dialect_t;

/**
 * Find the dialect of a driver.
 * @return NULL if the driver is unknown
 */
const oci_dialect_t *oci_dialect_of(const char *driver);

/** The known drivers, separated by commas. */
#define OCI_DBD_DRIVERS "sqlite3, pgsql, mysql"

#endif /* OCI_DBD_SQL_H */
