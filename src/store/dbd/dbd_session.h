/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file dbd_session.h
 * @brief A session: one caller's use of a database of facts
 */

#ifndef OCI_DBD_SESSION_H
#define OCI_DBD_SESSION_H

#include "store/dbd/dbd_statement.h"

/** The suffixes of the files beside a database that is a file. */
#define OCI_DBD_LOCK_FILE ".lock"
#define OCI_DBD_ROOM_FILE ".room"

/**
 * Begin a session.  The first session of a connection prepares the database,
 * and creates the table if it does not exist.
 * @param session Filled in, also on failure; after a failure it must not be
 *        closed
 * @param pool Lives longer than the session
 * @return APR_ECONNREFUSED if the database cannot be reached; APR_TIMEUP if it
 *         did not answer within the limit; APR_ENOSPC if there is no room;
 *         APR_EGENERAL if another try may succeed; APR_EINVAL if the database
 *         is not ours to use
 */
apr_status_t oci_dbd_session_open(oci_dbd_session_t *session,
                                  oci_dbd_source_t *source, oci_dbd_use_e use,
                                  apr_pool_t *pool);

/** End a session. */
void oci_dbd_session_close(oci_dbd_session_t *session);

/** Close the connection when the session ends: it may still hold locks. */
void oci_dbd_session_abandon(oci_dbd_session_t *session);

/**
 * Handle the result of an operation of the session.  After a failure a
 * transaction is rolled back.  If the connection was lost, it is replaced, or
 * given up if locks were held.
 * @param again Set to whether another try may succeed
 * @param rv The status of the operation
 * @param held Whether locks are held, which are lost with their connection
 * @return rv, except that APR_EGENERAL becomes APR_ECONNREFUSED if the
 *         connection was lost, APR_ENOSPC if there is no room, APR_TIMEUP if a
 *         limit was reached
 */
apr_status_t oci_dbd_session_recover(int *again, oci_dbd_session_t *session,
                                     apr_status_t rv, int held);

/**
 * Return the status of the last failure, after the last try: APR_TIMEUP,
 * APR_ENOSPC or APR_EGENERAL.
 */
apr_status_t oci_dbd_session_status(const oci_dbd_session_t *session);

/** Store the reason of the last failure in pool, see OCI_REASON. */
void oci_dbd_session_explain(const oci_dbd_session_t *session,
                             apr_pool_t *pool);

/** Remove the reason from pool: the call is tried again. */
void oci_dbd_session_forget(apr_pool_t *pool);

/** On a full disk, free room for deletions; only if the dialect is_file. */
void oci_dbd_session_make_room(oci_dbd_session_t *session);

/**
 * Return the path of the lock file beside the database; only if the dialect
 * is_file.
 */
const char *oci_dbd_session_lock_file(const oci_dbd_session_t *session);

#endif /* OCI_DBD_SESSION_H */
