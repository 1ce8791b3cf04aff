/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file dbd_session.h
 * @brief A database of facts, as one caller talks to it
 */

#ifndef OCI_DBD_SESSION_H
#define OCI_DBD_SESSION_H

#include "store/dbd/dbd_statement.h"

/** What the names of files beside a database's own end with. */
#define OCI_DBD_LOCK_FILE ".lock"
#define OCI_DBD_ROOM_FILE ".room"

/**
 * Begin a session.  The database is prepared at the first one of a
 * connection: the table is made where there is none.
 * @param session Filled in, also on failure, but then needs no close
 * @param pool Lives longer than the session
 * @return APR_ECONNREFUSED where it can't be reached; APR_TIMEUP where it
 *         did not answer within the limit; APR_EGENERAL where
 *         another try may have better luck; APR_EINVAL where the database is
 *         not ours to use
 */
apr_status_t oci_dbd_session_open(oci_dbd_session_t *session,
                                  oci_dbd_source_t *source, oci_dbd_use_e use,
                                  apr_pool_t *pool);

/** End a session. */
void oci_dbd_session_close(oci_dbd_session_t *session);

/** Let its connection be closed when it ends: it may still hold locks. */
void oci_dbd_session_abandon(oci_dbd_session_t *session);

/**
 * Judge what came of a use of the session.  After a failure a transaction is
 * rolled back, and a connection that was lost is made anew, or given up.
 * @param again Set to whether another try may have better luck
 * @param rv What came of it
 * @param held Whether there are locks, which are lost with their connection
 * @return rv; instead of APR_EGENERAL APR_ECONNREFUSED where the connection
 *         was lost, APR_ENOSPC where there is no room, APR_TIMEUP where a
 *         limit was reached
 */
apr_status_t oci_dbd_session_judge(int *again, oci_dbd_session_t *session,
                                   apr_status_t rv, int held);

/** The status that the last failure stands for, once trying is over. */
apr_status_t oci_dbd_session_status(const oci_dbd_session_t *session);

/** Tell why something failed: see OCI_REASON. */
void oci_dbd_session_explain(const oci_dbd_session_t *session,
                             apr_pool_t *pool);

/** On a full disk, find room for deletions, where the dialect is_file. */
void oci_dbd_session_make_room(oci_dbd_session_t *session);

/** The file beside the database for locks, where the dialect is_file. */
const char *oci_dbd_session_lock_file(const oci_dbd_session_t *session);

#endif /* OCI_DBD_SESSION_H */
