/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file dbm_log.h
 * @brief The log of changes since a snapshot
 *
 * One process at a time appends; any number follow it.
 */

#ifndef OCI_DBM_LOG_H
#define OCI_DBM_LOG_H

#include <sys/types.h>

#include "store/store_dir.h"
#include "store/dbm/dbm_overlay.h"

/** A log that is open, and how far it is known. */
typedef struct oci_dbm_log_t {
    const char *path;
    apr_uint64_t number;
    int fd;
    apr_off_t end;    /* bytes: records that were read, or written */
    apr_off_t synced; /* bytes that are known to be safe on the disk */
    int ended;        /* whether the next log goes on from there */
    dev_t device;     /* of the file */
    ino_t inode;
} oci_dbm_log_t;

/** The path of a log: "FILE.log-NUMBER". */
const char *oci_dbm_log_path(const char *file, apr_uint64_t number,
                             apr_pool_t *pool);

/**
 * Make a log without records, in the place of one that was begun and never
 * used; it is synced, its folder is not.
 * @return APR_EEXIST where something else is there; ENOSPC or EDQUOT where
 *         there is no room for records either
 */
apr_status_t oci_dbm_log_create(const char *path, apr_uint64_t number);

/**
 * Open a log to follow it, to be closed by oci_dbm_log_close.
 * @return APR_EINVAL where the file is no log of this number, APR_ENOTIMPL
 *         where a newer mod_oci wrote it
 */
apr_status_t oci_dbm_log_open(oci_dbm_log_t *log, const char *path,
                              apr_uint64_t number);

/**
 * Open a log once more, to append where it is known to end.
 * @param pool Of the copy of its path
 * @return As oci_dbm_log_open
 */
apr_status_t oci_dbm_log_open_again(oci_dbm_log_t *log,
                                    const oci_dbm_log_t *known,
                                    apr_pool_t *pool);

/** Whether this is the log of a number, and has more than its first line. */
int oci_dbm_log_is_used(const char *path, apr_uint64_t number);

/** Close a log. */
void oci_dbm_log_close(oci_dbm_log_t *log);

/**
 * A log's size now, bytes.
 * @return APR_EAGAIN where it is no longer at its path, EIO where it is
 *         smaller than it was
 */
apr_status_t oci_dbm_log_size(apr_off_t *size, const oci_dbm_log_t *log);

/**
 * Read the records that came since the last call.
 * @param size The log's size now, bytes
 * @param overlay Receives the changes
 * @param pool For the time of the call
 * @return APR_INCOMPLETE where it ends with something that is no record:
 *         one that is being written, or that was never finished, or damage
 */
apr_status_t oci_dbm_log_follow(oci_dbm_log_t *log, apr_off_t size,
                                oci_dbm_overlay_t *overlay, apr_pool_t *pool);

/**
 * After APR_INCOMPLETE, while nobody appends: judge what is there.
 * @return APR_SUCCESS where it may be cut off, EIO where a record follows
 *         that was written when this was on the disk already
 */
apr_status_t oci_dbm_log_check(const oci_dbm_log_t *log, apr_off_t size,
                               apr_pool_t *pool);

/**
 * Cut off what follows the last record, where there is something.
 * @return What the system said
 */
apr_status_t oci_dbm_log_trim(const oci_dbm_log_t *log);

/**
 * Before what is appended next is synced: write once more what is not known
 * to be synced, through the descriptor that will be.
 * @param log Opened by oci_dbm_log_open_again, while nobody else appends
 * @param pool For the time of the call
 * @return APR_INCOMPLETE where some of it can no longer be read as it was
 *         written; or what the system said
 */
apr_status_t oci_dbm_log_secure(const oci_dbm_log_t *log, apr_pool_t *pool);

/**
 * Put a new file, which is synced, in the place of a log.  Whoever has the
 * old one open learns so from oci_dbm_log_size.
 * @param log Open, while nobody else appends; it is copied up to its end
 * @param pool For the time of the call
 * @return What the system said
 */
apr_status_t oci_dbm_log_renew(const oci_dbm_log_t *log, apr_pool_t *pool);

/**
 * Append changes as one record, which is not synced.
 * @param changes Of const oci_change_t *; deletions alone may use up the
 *        room that is kept for them
 * @return What the system said; then nothing was appended
 */
apr_status_t oci_dbm_log_append(oci_dbm_log_t *log,
                                const apr_array_header_t *changes,
                                apr_pool_t *pool);

/** Append the record that says that the next log goes on; as above. */
apr_status_t oci_dbm_log_finish(oci_dbm_log_t *log);

/**
 * Read a value.
 * @return What the system said, or EIO where the log is too short
 */
apr_status_t oci_dbm_log_value(oci_value_t *value, const oci_dbm_log_t *log,
                               const oci_dbm_position_t *position,
                               apr_pool_t *pool);

#endif /* OCI_DBM_LOG_H */
