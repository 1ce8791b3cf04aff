/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file dbm_log.h
 * @brief The write-ahead log of changes since a snapshot
 *
 * One process at a time appends; any number of processes follow.
 */

#ifndef OCI_DBM_LOG_H
#define OCI_DBM_LOG_H

#include <sys/types.h>

#include "store/store_dir.h"
#include "store/dbm/dbm_overlay.h"

/** An open log, and how much of it is known. */
typedef struct oci_dbm_log_t {
    const char *path;
    apr_uint64_t number;
    int fd;
    apr_off_t end;    /* the end of the last known record, bytes */
    apr_off_t synced; /* the number of bytes that are known to be synced */
    int version;      /* 1 or 2; the records have the same form */
    int ended;        /* whether the log ends here and the next log continues */
    dev_t device;     /* the file's, when it was opened */
    ino_t inode;
} oci_dbm_log_t;

/** Return the path of a log: "FILE.log-NUMBER". */
const char *oci_dbm_log_path(const char *file, apr_uint64_t number,
                             apr_pool_t *pool);

/**
 * Create a log without records, replacing one that was created and never used.
 * The file is synced, its directory is not.
 * @return APR_EEXIST if the path is something else; ENOSPC or EDQUOT if there
 *         is no room for records; or another errno
 */
apr_status_t oci_dbm_log_create(const char *path, apr_uint64_t number);

/**
 * Open a log for reading, to follow it.  Close it with oci_dbm_log_close.
 * @param path Lives as long as log
 * @return APR_EINVAL if the file is not the log of this number, APR_ENOTIMPL if
 *         a newer mod_oci wrote it, or an errno
 */
apr_status_t oci_dbm_log_open(oci_dbm_log_t *log, const char *path,
                              apr_uint64_t number);

/**
 * Open a known log for appending at its known end.
 * @param pool Holds the copy of the path
 * @return As oci_dbm_log_open
 */
apr_status_t oci_dbm_log_open_to_append(oci_dbm_log_t *log,
                                        const oci_dbm_log_t *known,
                                        apr_pool_t *pool);

/**
 * Write our version into a log that has an older one, and sync it, while no
 * process appends.  Code of the older version then refuses the log.
 * @return APR_SUCCESS or an errno
 */
apr_status_t oci_dbm_log_raise(const oci_dbm_log_t *log);

/** Return whether the file is the log of this number and has records. */
int oci_dbm_log_is_used(const char *path, apr_uint64_t number);

/** Close a log. */
void oci_dbm_log_close(oci_dbm_log_t *log);

/**
 * Get the current size of a log.
 * @param size Set to the size, bytes
 * @return APR_EAGAIN if the file is no longer at its path, EIO if it has become
 *         smaller than the known end, or an errno
 */
apr_status_t oci_dbm_log_size(apr_off_t *size, const oci_dbm_log_t *log);

/**
 * Read the records that were appended since the last call.
 * @param size The current size of the log, bytes
 * @param overlay Receives the changes
 * @param pool Scratch
 * @return APR_INCOMPLETE if the log ends with bytes that are not a record: it
 *         is being written, was never finished, or is damaged; EIO if a
 *         record's checksum is right but its content is not; or an errno
 */
apr_status_t oci_dbm_log_follow(oci_dbm_log_t *log, apr_off_t size,
                                oci_dbm_overlay_t *overlay, apr_pool_t *pool);

/**
 * Classify the bytes behind the last record after APR_INCOMPLETE, while no
 * process appends.
 * @param size The current size of the log, bytes
 * @param pool Scratch
 * @return APR_SUCCESS if they may be cut off; EIO if they were synced already,
 *         as a later record says; or an errno
 */
apr_status_t oci_dbm_log_check(const oci_dbm_log_t *log, apr_off_t size,
                               apr_pool_t *pool);

/**
 * Cut off the bytes behind the last record, if there are any.
 * @return APR_SUCCESS or an errno
 */
apr_status_t oci_dbm_log_trim(const oci_dbm_log_t *log);

/**
 * Write again the bytes that are not known to be synced, through the descriptor
 * that will be synced; called before the append that is to be synced.
 * @param log Opened by oci_dbm_log_open_to_append, while no other process
 *        appends
 * @param pool Scratch
 * @return APR_INCOMPLETE if these bytes can no longer be read as they were
 *         written; or an errno
 */
apr_status_t oci_dbm_log_rewrite_unsynced(const oci_dbm_log_t *log,
                                          apr_pool_t *pool);

/**
 * Replace a log by a synced copy of it, up to its known end.  A process that
 * has the old file open learns this from oci_dbm_log_size.
 * @param log Open, while no other process appends
 * @param pool Scratch
 * @return APR_SUCCESS or an errno
 */
apr_status_t oci_dbm_log_replace(const oci_dbm_log_t *log, apr_pool_t *pool);

/**
 * Append changes as one record, without a sync.
 * @param changes Array of const oci_change_t *. If all are deletions, they may
 *        use the room that is reserved for deletions
 * @param pool Holds the record
 * @return APR_SUCCESS or an errno; after an error nothing has been appended
 */
apr_status_t oci_dbm_log_append(oci_dbm_log_t *log,
                                const apr_array_header_t *changes,
                                apr_pool_t *pool);

/**
 * Append the record that ends the log: the next log continues.
 * @return As oci_dbm_log_append
 */
apr_status_t oci_dbm_log_finish(oci_dbm_log_t *log);

/**
 * Read a value from a log.
 * @param value Set to the value, with a NUL after it, allocated from pool
 * @return EIO if the log is too short, or an errno
 */
apr_status_t oci_dbm_log_read_value(oci_value_t *value,
                                    const oci_dbm_log_t *log,
                                    const oci_dbm_position_t *position,
                                    apr_pool_t *pool);

#endif /* OCI_DBM_LOG_H */
