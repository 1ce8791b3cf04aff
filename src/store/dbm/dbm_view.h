/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file dbm_view.h
 * @brief What one process sees of a "dbm" index: the snapshot, and the logs
 *        after it
 *
 * A view is used by one thread at a time, in the process that opened it.
 */

#ifndef OCI_DBM_VIEW_H
#define OCI_DBM_VIEW_H

#include <sys/stat.h>

#include "store/dbm/dbm_log.h"
#include "store/store_dir.h"
#include "store/dbm/dbm_snapshot.h"

/** Internal locks, with names that no caller can use. */
#define OCI_DBM_WRITE "\001write" /* held to append to the last log */
#define OCI_DBM_MERGE "\001merge" /* held to replace FILE */

/** The paths of an index. */
typedef struct oci_dbm_t {
    oci_store_dir_t fs;        /* root: the directory of FILE */
    const char *type;          /* of the DBM */
    const char *file;          /* FILE, absolute */
    const char *lock_file;     /* the one of the next two that is used */
    const char *new_lock_file; /* FILE.locks */
    const char *old_lock_file; /* FILE.lock: that of version 1 */
    const char *new_file;      /* FILE.new */
    int no_raise;              /* as in oci_store_config_t */
} oci_dbm_t;

/** The index in memory.  Use the functions below to read it. */
typedef struct oci_dbm_view_t {
    const oci_dbm_t *dbm;
    oci_dbm_snapshot_t snapshot;
    struct stat file;           /* of FILE when it was opened */
    apr_array_header_t *logs;   /* oci_dbm_log_t, from snapshot.log on */
    oci_dbm_overlay_t *overlay; /* the changes in the logs */
    apr_pool_t *pool;
} oci_dbm_view_t;

/**
 * Open a view, and read the logs.
 * @param locked Whether the caller holds OCI_DBM_WRITE, shared or exclusive
 * @param pool The view's own; its end closes the view
 * @return APR_EAGAIN if the store changed meanwhile, or the view must be opened
 *         under the lock; EIO if a log is damaged; an errno if FILE or a log is
 *         missing; or as oci_dbm_snapshot_open and oci_dbm_log_open
 */
apr_status_t oci_dbm_view_open(oci_dbm_view_t **view, const oci_dbm_t *dbm,
                               int locked, apr_pool_t *pool);

/**
 * Read what was appended to the logs since the last call.
 * @param locked As for oci_dbm_view_open
 * @return APR_EAGAIN if the view must be opened again; otherwise as
 *         oci_dbm_view_open
 */
apr_status_t oci_dbm_view_follow(oci_dbm_view_t *view, int locked);

/** Return the last log, to which changes are appended. */
const oci_dbm_log_t *oci_dbm_view_last_log(const oci_dbm_view_t *view);

/** Note that a number of bytes of a log are synced. */
void oci_dbm_view_note_synced(oci_dbm_view_t *view, apr_uint64_t log,
                              apr_off_t bytes);

/**
 * Read the value of a key that the overlay has and that is not deleted.
 * @return As oci_dbm_log_read_value
 */
apr_status_t oci_dbm_view_value(oci_value_t *value, const oci_dbm_view_t *view,
                                const oci_dbm_position_t *position,
                                apr_pool_t *pool);

/**
 * Get the value of a key.
 * @param value NULL to ask only whether the key exists
 * @return APR_NOTFOUND, or EIO if the index is damaged
 */
apr_status_t oci_dbm_view_get(oci_value_t *value, const oci_dbm_view_t *view,
                              const char *key, apr_pool_t *pool);

/**
 * Do a part of a scan.
 * @param entries Receives oci_entry_t, until it has range->limit of them
 * @param after In: only keys greater than this; out: where the next part
 *        begins, or NULL after the last part
 * @return EIO if the index is damaged
 */
apr_status_t oci_dbm_view_scan(apr_array_header_t *entries, const char **after,
                               const oci_dbm_view_t *view,
                               const oci_scan_t *range, apr_pool_t *pool);

#endif /* OCI_DBM_VIEW_H */
