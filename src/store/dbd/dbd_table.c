/* SPDX-License-Identifier: Apache-2.0 */

/* Creates the table of facts, or raises its version.
 *
 * An index of version 1 is the table oci_facts; ours is oci_facts2.  Processes
 * that run the code of version 1 must not change an index that has been raised,
 * so it is raised in this order:
 *
 *     1. oci_facts is renamed to oci_facts2, and a table that no statement of
 *        version 1 can use takes its place; this is atomic
 *     2. the version in oci_facts2 becomes 2
 *
 * Each process that connects continues where another one was killed.  Several
 * may do a step at once: statements that come too late fail, and only the
 * version that is read afterwards counts. */

#include <string.h>

#include "apr_strings.h"

#include "store/dbd/dbd_table.h"
#include "store/file_lock.h"

/* Read the version row of a table; NULL if there is none. */
static apr_status_t read_version(const char **version,
                                 oci_dbd_session_t *session, const char *table,
                                 apr_pool_t *scratch)
{
    const char *text = apr_psprintf(scratch,
                                    "SELECT value FROM %s WHERE name = "
                                    "'.version' AND part = -1",
                                    table);

    *version = NULL;
    return oci_dbd_session_select_cell(version, session, text, 0, scratch);
}

static apr_status_t refuse_version(oci_dbd_session_t *session,
                                   const char *table, const char *version)
{
    session->why = apr_psprintf(session->pool,
                                "the table %s has version \"%s\": this "
                                "mod_oci supports \"" OCI_DBD_VERSION
                                "\" and \"" OCI_DBD_OLD_VERSION "\" only",
                                table, version ? version : "none");
    return APR_EINVAL;
}

/* Join the statements of an array that ends with NULL. */
static const char *join(const char *const *statements, apr_pool_t *pool)
{
    const char *text = *statements;

    while (*++statements) {
        text = apr_pstrcat(pool, text, "; ", *statements, NULL);
    }
    return text;
}

/* Do the first step, for a table that has version 1. */
static apr_status_t rename_table(oci_dbd_session_t *session,
                                 apr_pool_t *scratch)
{
    const char *const *text = session->dialect->raise;
    const char *version, *why;
    apr_status_t rv = APR_SUCCESS;

    for (; *text && rv == APR_SUCCESS; text++) {
        rv = oci_dbd_session_run(session, *text);
    }
    if (rv == APR_SUCCESS) {
        return rv;
    }
    why = session->why;
    oci_dbd_session_run(session, session->dialect->undo);
    rv = read_version(&version, session, "oci_facts2", scratch);
    if (rv != APR_SUCCESS || !version) {
        session->why = apr_psprintf(session->pool,
                                    "the table oci_facts of an older mod_oci "
                                    "cannot be renamed: %.*s; if the database "
                                    "user may not do it, run as a user who "
                                    "may: %s",
                                    (int)strcspn(why, "\r\n"), why,
                                    join(session->dialect->raise,
                                         session->pool));
        return APR_EGENERAL;
    }
    return APR_SUCCESS;
}

/* Create our table, or rename the one of version 1, if that exists for certain.
 * An empty table beside an index of version 1 would hide it. */
static apr_status_t create_or_rename(oci_dbd_session_t *session,
                                     apr_pool_t *scratch)
{
    const char *found, *version, *why = session->why;
    apr_status_t rv = oci_dbd_session_select_cell(&found, session,
                                                  session->dialect->find_old, 0,
                                                  scratch);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (found && !strcmp(found, "0")) {
        oci_dbd_session_run(session, session->dialect->create);
        oci_dbd_session_run(session,
                            "INSERT INTO oci_facts2 (name, part, value) VALUES "
                            "('.version', -1, '" OCI_DBD_VERSION "')");
        return APR_SUCCESS;
    }
    rv = read_version(&version, session, "oci_facts", scratch);
    if (rv != APR_SUCCESS) {
        session->why = why; /* it is not an index of version 1 */
        return rv;
    }
    if (!version || strcmp(version, OCI_DBD_OLD_VERSION)) {
        return refuse_version(session, "oci_facts", version);
    }
    if (session->source->no_raise) {
        session->why = "the table oci_facts is an index that an older mod_oci "
                       "uses: " OCI_RAISE;
        return APR_EINVAL;
    }
    return rename_table(session, scratch);
}

apr_status_t oci_dbd_table_prepare(oci_dbd_session_t *session,
                                   apr_pool_t *scratch)
{
    const char *version;
    apr_status_t rv = read_version(&version, session, "oci_facts2", scratch);

    if (rv != APR_SUCCESS || !version) {
        rv = create_or_rename(session, scratch);
        if (rv == APR_SUCCESS) {
            rv = read_version(&version, session, "oci_facts2", scratch);
        }
    }
    if (rv == APR_SUCCESS && version && !strcmp(version, OCI_DBD_OLD_VERSION)) {
        version = OCI_DBD_VERSION;
        rv = oci_dbd_session_run(session,
                                 "UPDATE oci_facts2 SET value = "
                                 "'" OCI_DBD_VERSION "' WHERE name = "
                                 "'.version' AND part = -1");
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    return version && !strcmp(version, OCI_DBD_VERSION)
        ? APR_SUCCESS
        : refuse_version(session, "oci_facts2", version);
}
