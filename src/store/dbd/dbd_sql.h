/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file dbd_sql.h
 * @brief What the databases are told, each in its own words
 *
 * All facts lie in one table:
 *
 *     oci_facts (name, part, value), its key (name, part)
 *
 * A fact has a row with part 0, and more where its value is long (see
 * dbd_value.h).  Names are compared bytewise.  The row (".version", -1) says
 * whose table it is.
 */

#ifndef OCI_DBD_SQL_H
#define OCI_DBD_SQL_H

#include "apr.h"

#define OCI_DBD_VERSION "mod_oci index 1"

/** Statements, as apr_dbd_prepare takes them. */
typedef enum {
    OCI_SQL_GET,     /* name -> value, by part */
    OCI_SQL_EXISTS,  /* name -> part */
    OCI_SQL_LIST,    /* above, below, limit -> name */
    OCI_SQL_READ,    /* above, below, limit -> name, value of part 0 */
    OCI_SQL_PUT,     /* name, value: one row where none or one is; none
                        is changed where it has this value or more
                        parts */
    OCI_SQL_ADD,     /* name, part, value; none where one is there */
    OCI_SQL_DELETE,  /* name */
    OCI_SQL_COMMIT,  /* where a text might be sent once more, through
                        a connection made anew */
    OCI_SQL_SHARE,   /* hash, slot, seconds -> 1 where it is got */
    OCI_SQL_LOCK,    /* hash */
    OCI_SQL_UNSHARE, /* hash, slot */
    OCI_SQL_UNLOCK,  /* hash */
    OCI_SQL_COUNT
} oci_sql_e;

/** A kind of database. */
typedef struct oci_dialect_t {
    const char *driver;       /* as apr_dbd names it */
    const char *begin;        /* start a transaction that writes */
    const char *create;       /* make the table */
    const char *const *setup; /* for each connection, ended by NULL */
    const char *limits; /* for each connection; the limit of a wait thrice */
    const char *lock_limits;       /* more for one that holds locks, or NULL */
    int unit;                      /* of the limit, in a second */
    const char *const *statements; /* by oci_sql_e; NULL for what it lacks */
    unsigned unprepared;           /* bits of statements to plan each time */
    int duplicate; /* the error that says that a row is there; 0 */
    int seek;      /* apr_dbd_pselect's "random" that is right */
    int slots;     /* how many share a lock; 0: no limit */
    int is_file;   /* one file, and locks beside it */
} oci_dialect_t;

/**
 * How to talk to a database.
 * @param driver A driver's name
 * @return NULL for one that is not known
 */
const oci_dialect_t *oci_dialect_of(const char *driver);

/** The drivers that are known, with commas between. */
#define OCI_DBD_DRIVERS "sqlite3, pgsql, mysql"

#endif /* OCI_DBD_SQL_H */
