/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file dbm_view.h
 * @brief What one process sees of an index "dbm": the snapshot, and the logs
 *        since then
 *
 * A view is used by one thread at a time, in the process that opened it.
 */

#ifndef OCI_DBM_VIEW_H
#define OCI_DBM_VIEW_H

#include <sys/stat.h>

#include "store/dbm/dbm_log.h"
#include "store/store_dir.h"
#include "store/dbm/dbm_snapshot.h"

/** Locks that no caller can name. */
#define OCI_DBM_WRITE "\001write" /* appends to the last log */
#define OCI_DBM_MERGE "\001merge" /* replaces FILE */

/** Where an index lies. */
typedef struct oci_dbm_t {
    oci_store_dir_t fs;    /* root: the folder of FILE */
    const char *type;      /* of the DBM */
    const char *file;      /* FILE, absolute */
    const char *lock_file; /* FILE.lock */
    const char *new_file;  /* FILE.new */
} oci_dbm_t;

/** What is there, in memory; to be read as the functions below do. */
typedef struct oci_dbm_view_t {
    const oci_dbm_t *dbm;
    oci_dbm_snapshot_t snapshot;
    struct stat file;           /* the snapshot's, when it was opened */
    apr_array_header_t *logs;   /* oci_dbm_log_t, from snapshot.log on */
    oci_dbm_overlay_t *overlay; /* what they say */
    apr_pool_t *pool;
} oci_dbm_view_t;

/**
 * Open a view, and read all there is.
 * @param locked Whether OCI_DBM_WRITE is held, in either kind
 * @param pool The view's: it is closed with it
 * @return APR_EAGAIN where the store changed meanwhile, or is such that the
 *         view must be opened under the lock; as oci_dbm_snapshot_open and
 *         oci_dbm_log_open; EIO where the log is damaged; or what the system
 *         said where FILE or a log is lost
 */
apr_status_t oci_dbm_view_open(oci_dbm_view_t **view, const oci_dbm_t *dbm,
                               int locked, apr_pool_t *pool);

/**
 * See what changed.
 * @return APR_EAGAIN where the view is to be opened anew; and as above
 */
apr_status_t oci_dbm_view_follow(oci_dbm_view_t *view, int locked);

/** The log to which changes are appended. */
const oci_dbm_log_t *oci_dbm_view_log(const oci_dbm_view_t *view);

/** Note that so many bytes of a log are safe on the disk. */
void oci_dbm_view_synced(oci_dbm_view_t *view, apr_uint64_t log,
                         apr_off_t bytes);

/** The value of a key that the overlay has, and that is not deleted. */
apr_status_t oci_dbm_view_value(oci_value_t *value, const oci_dbm_view_t *view,
                                const oci_dbm_position_t *position,
                                apr_pool_t *pool);

/**
 * One fact.
 * @param value NULL to ask only whether it is there
 * @return APR_NOTFOUND, or EIO where the index is damaged
 */
apr_status_t oci_dbm_view_get(oci_value_t *value, const oci_dbm_view_t *view,
                              const char *key, apr_pool_t *pool);

/**
 * A part of a scan.
 * @param entries Receives oci_entry_t, range->limit of them in all
 * @param after In: only keys greater than that; out: where the next part
 *        begins, or NULL after the last one
 * @return EIO where the index is damaged
 */
apr_status_t oci_dbm_view_scan(apr_array_header_t *entries, const char **after,
                               const oci_dbm_view_t *view,
                               const oci_scan_t *range, apr_pool_t *pool);

#endif /* OCI_DBM_VIEW_H */
