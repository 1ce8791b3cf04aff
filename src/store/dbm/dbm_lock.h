/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file dbm_lock.h
 * @brief The named locks of an index "dbm", and merges that wait for them
 */

#ifndef OCI_DBM_LOCK_H
#define OCI_DBM_LOCK_H

#include "store/dbm/dbm_view.h"

/** As the provider's lock. */
apr_status_t oci_dbm_lock(oci_lock_t **lock, const oci_dbm_t *dbm,
                          const char *name, oci_lock_e kind, apr_pool_t *pool);

/** As the provider's unlock; does the merge that waited for it. */
apr_status_t oci_dbm_unlock(oci_lock_t *lock);

/**
 * Merge as soon as the caller holds no named lock of this index: others would
 * wait for all of the merge.
 * @param bytes As for oci_dbm_merge
 * @param pool The caller's, from which its locks are known
 */
void oci_dbm_merge_unlocked(const oci_dbm_t *dbm, apr_off_t bytes,
                            apr_pool_t *pool);

#endif /* OCI_DBM_LOCK_H */
