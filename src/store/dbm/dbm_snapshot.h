/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file dbm_snapshot.h
 * @brief The facts of an index "dbm" as of some moment, in one DBM
 *
 * Used as a DBM is: by one thread at a time, in the process that opened it.
 */

#ifndef OCI_DBM_SNAPSHOT_H
#define OCI_DBM_SNAPSHOT_H

#include "store/dbm/dbm_tree.h"

typedef struct oci_dbm_snapshot_t {
    oci_dbm_tree_t tree; /* the keys, and the records */
    apr_uint64_t log;    /* the log that begins where the snapshot ends */
} oci_dbm_snapshot_t;

/**
 * Begin a snapshot without facts, of which oci_dbm_snapshot_finish makes one
 * that can be opened.
 * @param path No file is there
 * @param log The log that begins there
 * @return APR_EGENERAL, as oci_dbm_records_open
 */
apr_status_t oci_dbm_snapshot_create(oci_dbm_snapshot_t *snapshot,
                                     const char *type, const char *path,
                                     apr_uint64_t log, apr_pool_t *pool);

/**
 * Open a snapshot, which is closed with pool.
 * @param mode As for oci_dbm_records_open
 * @return APR_EGENERAL as there; APR_EINVAL where this is a DBM of something
 *         else, APR_ENOTIMPL where a newer mod_oci wrote it
 */
apr_status_t oci_dbm_snapshot_open(oci_dbm_snapshot_t *snapshot,
                                   const char *type, const char *path,
                                   apr_int32_t mode, apr_pool_t *pool);

/** Write down what was changed, and close; EIO where that fails. */
apr_status_t oci_dbm_snapshot_finish(oci_dbm_snapshot_t *snapshot);

/**
 * The value of one key.
 * @param value NULL to ask only whether it is there
 * @return APR_NOTFOUND, or EIO where it is damaged
 */
apr_status_t oci_dbm_snapshot_get(oci_value_t *value,
                                  const oci_dbm_snapshot_t *snapshot,
                                  const char *key, apr_pool_t *pool);

/** Set the value of a key, which the tree is told of apart; or EIO. */
apr_status_t oci_dbm_snapshot_put(const oci_dbm_snapshot_t *snapshot,
                                  const char *key, const oci_value_t *value);

/** Delete the value of a key, which the tree is told of apart; or EIO. */
apr_status_t oci_dbm_snapshot_delete(const oci_dbm_snapshot_t *snapshot,
                                     const char *key);

/** Read all of it: EIO where anything is missing or damaged. */
apr_status_t oci_dbm_snapshot_verify(const oci_dbm_snapshot_t *snapshot,
                                     apr_pool_t *pool);

#endif /* OCI_DBM_SNAPSHOT_H */
