/* SPDX-License-Identifier: Apache-2.0 */

/* How the facts in a database are changed. */

#include <stdlib.h>
#include <string.h>

#include "apr_strings.h"

#include "store/dbd/dbd_change.h"
#include "store/dbd/dbd_value.h"
#include "store/wait.h"

/* The most changes that one statement makes. */
#define AT_ONCE 64

/* Between two attempts to begin a transaction of SQLite. */
#define BEGIN_PAUSE apr_time_from_msec(20)

apr_status_t oci_dbd_rows_read(apr_array_header_t **rows,
                               oci_dbd_session_t *session, const char *key,
                               apr_pool_t *pool)
{
    const char *args[] = { key };

    return oci_dbd_session_select(rows, session, OCI_SQL_GET, args, pool);
}

static apr_status_t delete_rows(oci_dbd_session_t *session, const char *key)
{
    const char *args[] = { key };
    int count;

    return oci_dbd_session_change(&count, session, OCI_SQL_DELETE, args);
}

/* Add the rows of a value; APR_EEXIST if one exists. */
static apr_status_t add_rows(oci_dbd_session_t *session, const char *key,
                             const apr_array_header_t *rows, apr_pool_t *pool)
{
    int i, count;

    for (i = 0; i < rows->nelts; i++) {
        const char *args[] = { key, apr_itoa(pool, i),
                               APR_ARRAY_IDX(rows, i, const char *) };
        apr_status_t rv = oci_dbd_session_change(&count, session, OCI_SQL_ADD,
                                                 args);

        if (rv != APR_SUCCESS) {
            return rv;
        }
        if (!count) {
            return APR_EEXIST;
        }
    }
    return APR_SUCCESS;
}

/* Set a value of one row, if one statement can do that.
 * *done: set to whether the value is set now */
static apr_status_t put_row(int *done, oci_dbd_session_t *session,
                            const char *key, const char *row, apr_pool_t *pool)
{
    const char *args[] = { key, row };
    apr_array_header_t *rows_found;
    apr_status_t rv = oci_dbd_session_change(done, session, OCI_SQL_PUT, args);

    if (rv == APR_SUCCESS && !*done) {
        rv = oci_dbd_rows_read(&rows_found, session, key, pool);
        *done = rv == APR_SUCCESS && rows_found->nelts == 1
            && !strcmp(APR_ARRAY_IDX(rows_found, 0, const char *), row);
    }
    return rv;
}

static apr_status_t apply_change(oci_dbd_session_t *session,
                                 const oci_change_t *change, apr_pool_t *pool)
{
    apr_array_header_t *rows;
    apr_status_t rv;
    int done = 0;

    if (change->kind == OCI_CHANGE_DELETE) {
        return delete_rows(session, change->key);
    }
    rows = oci_dbd_value_encode(&change->value, pool);
    if (change->kind == OCI_CHANGE_ADD) {
        return add_rows(session, change->key, rows, pool);
    }
    if (rows->nelts == 1) {
        rv = put_row(&done, session, change->key,
                     APR_ARRAY_IDX(rows, 0, const char *), pool);
        if (rv != APR_SUCCESS || done) {
            return rv;
        }
    }
    rv = delete_rows(session, change->key);
    return rv == APR_SUCCESS ? add_rows(session, change->key, rows, pool) : rv;
}

/* Begin a transaction.  Another program may be writing to an SQLite database.
 * APR's driver lets no other thread of the process read while it waits for
 * that, so it waits only briefly, and is called again. */
static apr_status_t begin_transaction(oci_dbd_session_t *session)
{
    int seconds = session->source->seconds;
    apr_time_t until = oci_wait_now() + apr_time_from_sec(seconds);
    apr_status_t rv;

    for (;;) {
        rv = oci_dbd_session_run(session, session->dialect->begin);
        if (rv == APR_SUCCESS || !session->dialect->is_file
            || !strstr(session->why, "locked")) {
            return rv;
        }
        if (oci_wait_now() >= until) {
            session->late = 1;
            session->why = apr_psprintf(session->pool,
                                        "timed out after %d s waiting for "
                                        "another program that writes: %s",
                                        seconds, session->why);
            return rv;
        }
        apr_sleep(BEGIN_PAUSE);
    }
}

/* Apply changes in a transaction. */
static apr_status_t apply_in_transaction(oci_dbd_session_t *session,
                                         const oci_change_t *changes, int count,
                                         int *unsure, apr_pool_t *pool)
{
    apr_status_t rv = begin_transaction(session);
    apr_status_t end;
    int i;

    *unsure = 0;
    for (i = 0; i < count && rv == APR_SUCCESS; i++) {
        rv = apply_change(session, &changes[i], pool);
    }
    if (rv != APR_SUCCESS
        && (rv != APR_EEXIST || changes[i - 1].kind != OCI_CHANGE_ADD)) {
        return APR_EGENERAL;
    }
    *unsure = 1;
    end = oci_dbd_session_commit(session);
    return end == APR_SUCCESS ? rv : end;
}

/* Return whether a key is among the first changes. */
static int is_repeated(const oci_change_t *changes, int count, const char *key)
{
    int i = 0;

    while (i < count && strcmp(changes[i].key, key)) {
        i++;
    }
    return i < count;
}

/* Join texts to a list. */
static const char *make_list(const apr_array_header_t *texts, apr_pool_t *pool)
{
    return apr_array_pstrcat(pool, texts, OCI_DBD_SEPARATOR);
}

/* Make the lists for one statement with all changes.
 * *count: the number of values
 * @return 0 if one statement cannot make them */
static int make_lists(const char **lists, int *values_count,
                      const oci_change_t *changes, int count, apr_pool_t *pool)
{
    apr_array_header_t *names = apr_array_make(pool, count, sizeof(char *));
    apr_array_header_t *values = apr_array_make(pool, count, sizeof(char *));
    apr_array_header_t *gone = apr_array_make(pool, 1, sizeof(char *));
    int i;

    for (i = 0; i < count; i++) {
        const oci_change_t *change = &changes[i];
        const apr_array_header_t *rows;

        if (change->kind == OCI_CHANGE_ADD
            || is_repeated(changes, i, change->key)) {
            return 0;
        }
        if (change->kind == OCI_CHANGE_DELETE) {
            APR_ARRAY_PUSH(gone, const char *) = change->key;
            continue;
        }
        rows = oci_dbd_value_encode(&change->value, pool);
        if (rows->nelts > 1) {
            return 0;
        }
        APR_ARRAY_PUSH(names, const char *) = change->key;
        APR_ARRAY_PUSH(values, const char *) = APR_ARRAY_IDX(rows, 0,
                                                             const char *);
    }
    lists[0] = make_list(names, pool);
    lists[1] = make_list(values, pool);
    lists[2] = make_list(gone, pool);
    *values_count = names->nelts;
    /* a list of one empty text would be an empty list */
    return names->nelts > 1;
}

/* Apply changes by one statement.
 * *done: set to whether they are made now; otherwise none is made */
static apr_status_t apply_at_once(int *done, oci_dbd_session_t *session,
                                  const oci_change_t *changes, int count,
                                  int *unsure, apr_pool_t *pool)
{
    const char *lists[3];
    apr_array_header_t *cells;
    apr_status_t rv;
    int values_count;

    *done = 0;
    if (!session->dialect->statements[OCI_SQL_CHANGE] || count > AT_ONCE
        || !make_lists(lists, &values_count, changes, count, pool)) {
        return APR_SUCCESS;
    }
    *unsure = 1;
    rv = oci_dbd_session_select(&cells, session, OCI_SQL_CHANGE, lists, pool);
    *done = rv == APR_SUCCESS && cells->nelts == 1
        && atoi(APR_ARRAY_IDX(cells, 0, const char *)) == values_count;
    return rv;
}

/* Return whether changes only delete facts or set empty values.  To delete
 * something, or to end an upload, which leaves an empty value, must work on a
 * full disk. */
static int need_no_room(const oci_change_t *changes, int count)
{
    int i = 0;

    while (
        i < count
        && (changes[i].kind == OCI_CHANGE_DELETE || !changes[i].value.size)) {
        i++;
    }
    return i == count;
}

/* On a full disk, SQLite needs room for deletions, too. */
static apr_status_t apply_to_file(oci_dbd_session_t *session,
                                  const oci_change_t *changes, int count,
                                  int *unsure, apr_pool_t *pool)
{
    apr_status_t rv = apply_in_transaction(session, changes, count, unsure,
                                           pool);

    if (rv == APR_EGENERAL && need_no_room(changes, count)
        && oci_dbd_session_status(session) == APR_ENOSPC) {
        oci_dbd_session_make_room(session);
        rv = apply_in_transaction(session, changes, count, unsure, pool);
    }
    return rv;
}

apr_status_t oci_dbd_change_apply(oci_dbd_session_t *session,
                                  const oci_change_t *changes, int count,
                                  int *unsure, apr_pool_t *pool)
{
    apr_status_t rv;
    int done;

    if (session->dialect->is_file) {
        return apply_to_file(session, changes, count, unsure, pool);
    }
    rv = apply_at_once(&done, session, changes, count, unsure, pool);
    return rv != APR_SUCCESS || done
        ? rv
        : apply_in_transaction(session, changes, count, unsure, pool);
}
