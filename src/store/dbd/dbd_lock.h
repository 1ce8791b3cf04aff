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
 * Wait for a named lock, which lasts as its connection does: until unlock, or
 * the end of pool, of the process, of the host, or of the database.
 * @return As oci_dbd_session_open; APR_ECONNREFUSED, APR_EGENERAL, APR_TIMEUP
 */
apr_status_t oci_dbd_lock(oci_lock_t **lock, oci_dbd_source_t *source,
                          const char *name, oci_lock_e kind, apr_pool_t *pool);

/**
 * Give a lock back.
 * @return APR_ECONNREFUSED where its connection was lost
 */
apr_status_t oci_dbd_unlock(oci_lock_t *lock);

/**
 * The session of the locks that are held with a pool or one above it.  What
 * its owner does goes through the same connection: so it fails where the
 * locks were lost with it, and nobody needs two connections at a time.
 * @return NULL where none is held
 */
oci_dbd_session_t *oci_dbd_held(const oci_dbd_source_t *source,
                                apr_pool_t *pool);

#endif /* OCI_DBD_LOCK_H */
