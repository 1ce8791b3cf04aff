/* SPDX-License-Identifier: Apache-2.0 */

/* Merging the logs into a new snapshot: a checkpoint of the write-ahead log.
 * These are the steps, and the files that count if it ends after each:
 *
 *     FILE is copied to FILE.new            FILE.new is a leftover
 *     log N+1 is created                    it is a leftover
 *     the end record is written to log N    FILE, N and N+1 are the index
 *     the changes of the logs up to N
 *       are written to FILE.new
 *     it is synced, and read back
 *     it is renamed to FILE                 FILE and N+1 are; N is a leftover
 *     log N is removed
 *
 * Leftovers are replaced by the next merge, or removed at the next start.  Only
 * the second and third step block writers.
 *
 * Closing a DBM does not report whether everything was written.  So disk space
 * is preallocated, if the file system can do that, and the result is read back.
 *
 * A merge that fails leaves the logs as they are.  The next one, when the new
 * log is long, reads all of them. */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* fallocate */
#endif

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apr_dbm.h"

#include "store/dbm/dbm_merge.h"
#include "store/file_lock.h"

/* The size of a log at which a merge is due.  It is a compromise: a merge
 * should cost little per change, and the log, which all processes hold in
 * memory, should need little memory. */
#define LIMIT_MIN (1024 * 1024)
#define LIMIT_MAX (32 * 1024 * 1024)

#define COPY_BUFFER (256 * 1024)

typedef struct merge_t {
    const oci_dbm_t *dbm;
    apr_off_t bytes;  /* of the logs */
    int fd;           /* of FILE.new */
    struct stat file; /* of the FILE that was copied */
    oci_dbm_view_t *view;
    apr_pool_t *pool;
} merge_t;

static const oci_dbm_log_t *log_at(const oci_dbm_view_t *view, int i)
{
    return &APR_ARRAY_IDX(view->logs, i, oci_dbm_log_t);
}

apr_off_t oci_dbm_merge_limit(const oci_dbm_view_t *view)
{
    apr_off_t limit = view->file.st_size / 16;

    if (limit < LIMIT_MIN) {
        return LIMIT_MIN;
    }
    return limit > LIMIT_MAX ? LIMIT_MAX : limit;
}

apr_off_t oci_dbm_merge_bytes(const oci_dbm_view_t *view)
{
    apr_off_t bytes = 0;
    int i;

    for (i = 0; i < view->logs->nelts; i++) {
        bytes += log_at(view, i)->end;
    }
    return bytes;
}

/* Preallocate disk space for a DBM of size bytes to which bytes of logs are
 * written.  It grows most if each value has a page of its own. */
static apr_status_t preallocate(int fd, apr_off_t size, apr_off_t bytes)
{
#ifdef FALLOC_FL_KEEP_SIZE
    if (fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, size + 4 * bytes + LIMIT_MIN)
        && (errno == ENOSPC || errno == EDQUOT || errno == EFBIG)) {
        return errno;
    }
#endif
    return APR_SUCCESS;
}

/* Copies the bytes, because a reflink would have to be broken while the DBM
 * writes.  The DBM maps its file into memory, and could not be told of a
 * failure. */
static apr_status_t copy_bytes(int from, int to, apr_pool_t *pool)
{
    char *buffer = apr_palloc(pool, COPY_BUFFER);
    apr_status_t rv = APR_SUCCESS;

    while (rv == APR_SUCCESS) {
        ssize_t n = read(from, buffer, COPY_BUFFER);

        if (n == 0) {
            return APR_SUCCESS;
        }
        if (n > 0) {
            rv = oci_io_write(to, buffer, n);
        }
        else if (errno != EINTR) {
            rv = errno;
        }
    }
    return rv;
}

/* Copy FILE to FILE.new. */
static apr_status_t copy_file(merge_t *merge)
{
    int fd = open(merge->dbm->file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    apr_status_t rv = APR_SUCCESS;

    if (fd == -1) {
        return errno;
    }
    if (fstat(fd, &merge->file)) {
        rv = errno;
    }
    if (rv == APR_SUCCESS) {
        rv = preallocate(merge->fd, merge->file.st_size, merge->bytes);
    }
    if (rv == APR_SUCCESS) {
        rv = copy_bytes(fd, merge->fd, merge->pool);
    }
    close(fd);
    return rv;
}

/* End the last log and begin the next one.  The ended log is synced before
 * anything is written to the next. */
static apr_status_t switch_logs(merge_t *merge)
{
    const oci_dbm_t *dbm = merge->dbm;
    const oci_dbm_log_t *known = oci_dbm_view_last_log(merge->view);
    const char *next = oci_dbm_log_path(dbm->file, known->number + 1,
                                        merge->pool);
    oci_dbm_log_t log;
    apr_status_t rv = oci_dbm_log_open_to_append(&log, known, merge->pool);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = oci_dbm_log_create(next, known->number + 1);
    if (rv != APR_SUCCESS) {
        oci_dbm_log_close(&log);
        return rv;
    }
    rv = oci_io_sync_dir(dbm->fs.root);
    if (rv == APR_SUCCESS) {
        rv = oci_dbm_log_trim(&log);
    }
    if (rv == APR_SUCCESS) {
        rv = oci_dbm_log_rewrite_unsynced(&log, merge->pool);
    }
    if (rv == APR_SUCCESS) {
        rv = oci_dbm_log_finish(&log);
    }
    if (rv == APR_SUCCESS && fdatasync(log.fd)) {
        rv = errno;
    }
    if (rv != APR_SUCCESS) {
        /* No process has written to the next log yet.  The disk may have the
         * end record of this one all the same, so the next one must exist.  It
         * must be a new file, so that a process that has read the end record
         * opens everything again. */
        log.end = known->end;
        oci_dbm_log_trim(&log);
        if (oci_dbm_log_create(next, known->number + 1)) {
            unlink(next);
        }
    }
    oci_dbm_log_close(&log);
    return rv;
}

/* Read the logs to their end, and end the last one there. */
static apr_status_t read_and_switch_logs(merge_t *merge)
{
    const oci_dbm_t *dbm = merge->dbm;
    const oci_dbm_view_t *view;
    oci_lock_t *lock;
    apr_status_t opened = oci_dbm_view_open(&merge->view, dbm, 0, merge->pool);
    apr_status_t rv = oci_file_lock_take(&lock, dbm->lock_file, OCI_DBM_WRITE,
                                         OCI_LOCK_EXCLUSIVE, merge->pool);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = opened;
    if (opened == APR_EAGAIN) {
        rv = oci_dbm_view_open(&merge->view, dbm, 1, merge->pool);
    }
    else if (opened == APR_SUCCESS) {
        rv = oci_dbm_view_follow(merge->view, 1);
    }
    view = merge->view;
    if (rv == APR_SUCCESS
        && (view->file.st_dev != merge->file.st_dev
            || view->file.st_ino != merge->file.st_ino
            || oci_dbm_view_last_log(view)->end <= oci_dbm_merge_limit(view))) {
        rv = APR_EBUSY;
    }
    if (rv == APR_SUCCESS) {
        rv = switch_logs(merge);
    }
    oci_file_lock_release(lock);
    return rv;
}

/* Write the changes of the logs into a snapshot. */
static apr_status_t write_changes(const merge_t *merge,
                                  oci_dbm_snapshot_t *snapshot)
{
    const oci_dbm_view_t *view = merge->view;
    int count = oci_dbm_overlay_count(view->overlay), i;
    oci_dbm_tree_change_t *changes = apr_palloc(merge->pool,
                                                count * sizeof(*changes));
    const oci_dbm_overlay_entry_t *entry = oci_dbm_overlay_after(view->overlay,
                                                                 "");
    apr_pool_t *pool;
    apr_status_t rv = apr_pool_create(&pool, merge->pool);

    for (i = 0; i < count && rv == APR_SUCCESS; i++) {
        oci_value_t value;

        changes[i].name = entry->key;
        changes[i].deleted = entry->position.deleted;
        if (changes[i].deleted) {
            rv = oci_dbm_snapshot_delete(snapshot, entry->key);
        }
        else {
            rv = oci_dbm_view_value(&value, view, &entry->position, pool);
            if (rv == APR_SUCCESS) {
                rv = oci_dbm_snapshot_put(snapshot, entry->key, &value);
            }
        }
        apr_pool_clear(pool);
        entry = oci_dbm_overlay_next(entry);
    }
    if (rv == APR_SUCCESS) {
        rv = oci_dbm_tree_change(&snapshot->tree, changes, count, merge->pool);
    }
    return rv;
}

/* Check that a snapshot has the changes of the logs, and that everything else
 * in it is undamaged. */
static apr_status_t verify_snapshot(const merge_t *merge,
                                    const oci_dbm_snapshot_t *snapshot)
{
    const oci_dbm_view_t *view = merge->view;
    const oci_dbm_overlay_entry_t *entry = oci_dbm_overlay_after(view->overlay,
                                                                 "");
    apr_pool_t *pool;
    apr_status_t rv = apr_pool_create(&pool, merge->pool);

    for (; entry && rv == APR_SUCCESS; entry = oci_dbm_overlay_next(entry)) {
        oci_value_t wanted, got;

        rv = oci_dbm_snapshot_get(&got, snapshot, entry->key, pool);
        if (entry->position.deleted) {
            rv = rv == APR_NOTFOUND ? APR_SUCCESS : EIO;
        }
        else if (rv == APR_SUCCESS) {
            rv = oci_dbm_view_value(&wanted, view, &entry->position, pool);
            if (rv == APR_SUCCESS
                && (got.size != wanted.size
                    || memcmp(got.data, wanted.data, got.size))) {
                rv = EIO;
            }
        }
        apr_pool_clear(pool);
    }
    return rv != APR_SUCCESS ? rv
                             : oci_dbm_snapshot_verify(snapshot, merge->pool);
}

/* Write the changes to FILE.new, which is a copy of FILE; sync and verify
 * it. */
static apr_status_t write_snapshot(const merge_t *merge)
{
    const oci_dbm_t *dbm = merge->dbm;
    oci_dbm_snapshot_t snapshot;
    struct stat st;
    apr_status_t rv = oci_dbm_snapshot_open(&snapshot, dbm->type, dbm->new_file,
                                            APR_DBM_READWRITE, merge->pool);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = write_changes(merge, &snapshot);
    snapshot.log = oci_dbm_view_last_log(merge->view)->number + 1;
    if (rv == APR_SUCCESS) {
        rv = oci_dbm_snapshot_finish(&snapshot);
    }
    /* Release the preallocated space that was not needed. */
    if (rv == APR_SUCCESS
        && (fstat(merge->fd, &st) || ftruncate(merge->fd, st.st_size)
            || fsync(merge->fd))) {
        rv = errno;
    }
    if (rv == APR_SUCCESS) {
        rv = oci_dbm_snapshot_open(&snapshot, dbm->type, dbm->new_file,
                                   APR_DBM_READONLY, merge->pool);
    }
    return rv != APR_SUCCESS ? rv : verify_snapshot(merge, &snapshot);
}

/* Replace FILE by FILE.new, and remove the merged logs. */
static apr_status_t replace_file(const merge_t *merge)
{
    const oci_dbm_t *dbm = merge->dbm;
    apr_status_t rv;
    int i;

    if (rename(dbm->new_file, dbm->file)) {
        return errno;
    }
    rv = oci_io_sync_dir(dbm->fs.root);
    for (i = 0; i < merge->view->logs->nelts && rv == APR_SUCCESS; i++) {
        unlink(log_at(merge->view, i)->path);
    }
    return rv;
}

apr_status_t oci_dbm_merge(const oci_dbm_t *dbm, apr_off_t bytes,
                           apr_pool_t *pool)
{
    merge_t merge = { .dbm = dbm, .bytes = bytes };
    oci_lock_t *lock;
    apr_status_t rv = apr_pool_create(&merge.pool, pool);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = oci_file_lock_try(&lock, dbm->lock_file, OCI_DBM_MERGE, merge.pool);
    if (rv == APR_SUCCESS) {
        unlink(dbm->new_file);
        merge.fd = oci_io_open(dbm->new_file, O_RDWR | O_CREAT | O_EXCL);
        rv = merge.fd == -1 ? errno : copy_file(&merge);
        if (rv == APR_SUCCESS) {
            rv = read_and_switch_logs(&merge);
        }
        if (rv == APR_SUCCESS) {
            rv = write_snapshot(&merge);
        }
        if (rv == APR_SUCCESS) {
            rv = replace_file(&merge);
        }
        if (merge.fd != -1) {
            close(merge.fd);
        }
        if (rv != APR_SUCCESS) {
            unlink(dbm->new_file);
        }
        oci_file_lock_release(lock);
    }
    apr_pool_destroy(merge.pool);
    return rv;
}
