/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file dbm_lock.h
 * @brief The named locks of a "dbm" index, and the merges that wait for them
 */

#ifndef OCI_DBM_LOCK_H
#define OCI_DBM_LOCK_H

#include "store/dbm/dbm_view.h"

/** Wait for a named lock, as oci_index_provider_t's lock. */
apr_status_t oci_dbm_lock(oci_lock_t **lock, const oci_dbm_t *dbm,
                          const char *name, oci_lock_e kind, apr_pool_t *pool);

/**
 * Release a lock, as oci_index_provider_t's unlock; then do a pending merge if
 * the caller holds no other lock.
 */
apr_status_t oci_dbm_unlock(oci_lock_t *lock);

/**
 * Merge as soon as the caller holds no named lock of this index: other callers
 * would wait for these locks during the whole merge.  If the logs have
 * OCI_DBM_MERGE_FORCED bytes, merge at once.
 * @param bytes As for oci_dbm_merge
 * @param pool The caller's pool, by which its locks are found
 */
void oci_dbm_merge_unlocked(const oci_dbm_t *dbm, apr_off_t bytes,
                            apr_pool_t *pool);

#endif /* OCI_DBM_LOCK_H */
