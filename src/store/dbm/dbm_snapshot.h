/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file dbm_snapshot.h
 * @brief The facts of a "dbm" index at one moment, in one DBM
 *
 * A snapshot is used by one thread at a time, in the process that opened it.
 */

#ifndef OCI_DBM_SNAPSHOT_H
#define OCI_DBM_SNAPSHOT_H

#include "store/dbm/dbm_tree.h"

/** The version of a snapshot, and of a log. */
#define OCI_DBM_VERSION 2

typedef struct oci_dbm_snapshot_t {
    oci_dbm_tree_t tree; /* the sorted keys, and the DBM */
    apr_uint64_t log;    /* the number of the first log after the snapshot */
} oci_dbm_snapshot_t;

/**
 * Create a snapshot without facts.  It can be opened after
 * oci_dbm_snapshot_finish.
 * @param path Must not exist
 * @param log The number of the first log after the snapshot
 * @return APR_EGENERAL, as oci_dbm_records_open
 */
apr_status_t oci_dbm_snapshot_create(oci_dbm_snapshot_t *snapshot,
                                     const char *type, const char *path,
                                     apr_uint64_t log, apr_pool_t *pool);

/**
 * Open a snapshot, which is closed with pool.
 * @param mode As for oci_dbm_records_open
 * @return APR_EGENERAL, as oci_dbm_records_open; APR_EINVAL if it is a DBM of
 *         another program, APR_ENOTIMPL if a newer mod_oci wrote it
 */
apr_status_t oci_dbm_snapshot_open(oci_dbm_snapshot_t *snapshot,
                                   const char *type, const char *path,
                                   apr_int32_t mode, apr_pool_t *pool);

/** Write the head of a changed snapshot, and close it; EIO if that fails. */
apr_status_t oci_dbm_snapshot_finish(oci_dbm_snapshot_t *snapshot);

/**
 * Get the value of a key.
 * @param value NULL to ask only whether the key exists
 * @return APR_NOTFOUND, or EIO if the snapshot is damaged
 */
apr_status_t oci_dbm_snapshot_get(oci_value_t *value,
                                  const oci_dbm_snapshot_t *snapshot,
                                  const char *key, apr_pool_t *pool);

/** Set the value of a key; the caller changes the tree.  EIO if that fails. */
apr_status_t oci_dbm_snapshot_put(const oci_dbm_snapshot_t *snapshot,
                                  const char *key, const oci_value_t *value);

/**
 * Delete the value of a key; the caller changes the tree.  EIO if that fails.
 */
apr_status_t oci_dbm_snapshot_delete(const oci_dbm_snapshot_t *snapshot,
                                     const char *key);

/** Read the whole snapshot; EIO if a record is missing or damaged. */
apr_status_t oci_dbm_snapshot_verify(const oci_dbm_snapshot_t *snapshot,
                                     apr_pool_t *pool);

#endif /* OCI_DBM_SNAPSHOT_H */
