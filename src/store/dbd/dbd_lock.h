/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file dbd_lock.h
 * @brief Named locks in a database, between threads, processes and hosts
 */

#ifndef OCI_DBD_LOCK_H
#define OCI_DBD_LOCK_H

#include "mod_oci.h"
#include "store/dbd/dbd_session.h"

/**
 * Wait for a named lock.  It lasts as long as its connection: until unlock, or
 * the end of pool, the process, the host or the database.
 * @return As oci_dbd_session_open; APR_ECONNREFUSED, APR_EGENERAL, APR_TIMEUP
 */
apr_status_t oci_dbd_lock(oci_lock_t **lock, oci_dbd_source_t *source,
                          const char *name, oci_lock_e kind, apr_pool_t *pool);

/**
 * Release a lock.
 * @return APR_ECONNREFUSED if its connection was lost
 */
apr_status_t oci_dbd_unlock(oci_lock_t *lock);

/**
 * Find the session of the locks that are held with a pool or a pool above it.
 * All calls of the lock's holder use the same connection.  So they fail if the
 * locks were lost with it, and no caller needs two connections at a time.
 * @return NULL if no lock is held
 */
oci_dbd_session_t *oci_dbd_held_session(const oci_dbd_source_t *source,
                                        apr_pool_t *pool);

#endif /* OCI_DBD_LOCK_H */
