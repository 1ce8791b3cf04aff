/* SPDX-License-Identifier: Apache-2.0 */

/* A merge, step by step, and what is there if it ends after each:
 *
 *     FILE is copied to FILE.new            FILE.new is rubbish
 *     log N+1 is made                       it is rubbish
 *     "goes on in N+1" is written to log N  FILE, N and N+1 are the store
 *     FILE.new gets what the logs to N say
 *     it is synced, and read back
 *     it is renamed to FILE                 FILE and N+1 are; N is rubbish
 *     log N is removed
 *
 * Rubbish is replaced by the next merge, or goes at the next start.  Only
 * the second and third step keep writers waiting.
 *
 * A DBM that is closed does not say whether it could write all.  So room is
 * claimed for it beforehand, where the file system can do that, and all is
 * read back.
 *
 * A merge that fails leaves the logs as they are: the next one, which comes
 * when the new log is long, reads all of them.
 */

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

/* How long a log becomes: a merge is to cost little for each change, and the
 * log, which all processes hold in memory, little memory. */
#define LIMIT_MIN (1024 * 1024)
#define LIMIT_MAX (32 * 1024 * 1024)

#define COPY_BUFFER (256 * 1024)

typedef struct merge_t {
    const oci_dbm_t *dbm;
    apr_off_t bytes;  /* of the logs */
    int fd;           /* of FILE.new */
    struct stat file; /* of FILE, which was copied */
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

    return limit < LIMIT_MIN ? LIMIT_MIN
        : limit > LIMIT_MAX  ? LIMIT_MAX
                             : limit;
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

/* Claim room on the disk for a DBM of size bytes that bytes of a log are
 * written to.  Where each value has a page of its own it grows the most. */
static apr_status_t claim(int fd, apr_off_t size, apr_off_t bytes)
{
#ifdef FALLOC_FL_KEEP_SIZE
    if (fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, size + 4 * bytes + LIMIT_MIN)
        && (errno == ENOSPC || errno == EDQUOT || errno == EFBIG)) {
        return errno;
    }
#endif
    return APR_SUCCESS;
}

/* Byte by byte: blocks that two files share would have to be parted where
 * the DBM, which maps its file into memory, could not be told of failure. */
static apr_status_t copy(int from, int to, apr_pool_t *pool)
{
    char *buffer = apr_palloc(pool, COPY_BUFFER);
    apr_status_t rv = APR_SUCCESS;

    while (!rv) {
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
    if (!rv) {
        rv = claim(merge->fd, merge->file.st_size, merge->bytes);
    }
    if (!rv) {
        rv = copy(fd, merge->fd, merge->pool);
    }
    close(fd);
    return rv;
}

/* End the last log, and begin the next one.  What the ended one says is
 * synced before anything is written to the next. */
static apr_status_t switch_logs(merge_t *merge)
{
    const oci_dbm_t *dbm = merge->dbm;
    const oci_dbm_log_t *known = oci_dbm_view_log(merge->view);
    const char *next = oci_dbm_log_path(dbm->file, known->number + 1,
                                        merge->pool);
    oci_dbm_log_t log;
    apr_status_t rv = oci_dbm_log_open_again(&log, known, merge->pool);

    if (rv) {
        return rv;
    }
    rv = oci_dbm_log_create(next, known->number + 1);
    if (rv) {
        oci_dbm_log_close(&log);
        return rv;
    }
    rv = oci_io_sync_dir(dbm->fs.root);
    if (!rv) {
        rv = oci_dbm_log_trim(&log);
    }
    if (!rv) {
        rv = oci_dbm_log_secure(&log, merge->pool);
    }
    if (!rv) {
        rv = oci_dbm_log_finish(&log);
    }
    if (!rv && fdatasync(log.fd)) {
        rv = errno;
    }
    if (rv) {
        /* Nobody has written to the next one yet.  The disk may have the end
         * of this one all the same, so there is to be a next one; a new
         * file, so that who has read that end already opens all anew. */
        log.end = known->end;
        oci_dbm_log_trim(&log);
        if (oci_dbm_log_create(next, known->number + 1)) {
            unlink(next);
        }
    }
    oci_dbm_log_close(&log);
    return rv;
}

/* Read the logs to their end, and end them there. */
static apr_status_t read_logs(merge_t *merge)
{
    const oci_dbm_t *dbm = merge->dbm;
    const oci_dbm_view_t *view;
    oci_lock_t *lock;
    apr_status_t opened = oci_dbm_view_open(&merge->view, dbm, 0, merge->pool);
    apr_status_t rv = oci_file_lock_take(&lock, dbm->lock_file, OCI_DBM_WRITE,
                                         OCI_LOCK_EXCLUSIVE, merge->pool);

    if (rv) {
        return rv;
    }
    rv = opened == APR_EAGAIN
        ? oci_dbm_view_open(&merge->view, dbm, 1, merge->pool)
        : opened ? opened
                 : oci_dbm_view_follow(merge->view, 1);
    view = merge->view;
    if (!rv
        && (view->file.st_dev != merge->file.st_dev
            || view->file.st_ino != merge->file.st_ino
            || oci_dbm_view_log(view)->end <= oci_dbm_merge_limit(view))) {
        rv = APR_EBUSY;
    }
    if (!rv) {
        rv = switch_logs(merge);
    }
    oci_file_lock_release(lock);
    return rv;
}

/* Write what the logs say into a snapshot. */
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

    for (i = 0; i < count && !rv; i++) {
        oci_value_t value;

        changes[i].name = entry->key;
        changes[i].gone = entry->position.deleted;
        if (changes[i].gone) {
            rv = oci_dbm_snapshot_delete(snapshot, entry->key);
        }
        else {
            rv = oci_dbm_view_value(&value, view, &entry->position, pool);
            if (!rv) {
                rv = oci_dbm_snapshot_put(snapshot, entry->key, &value);
            }
        }
        apr_pool_clear(pool);
        entry = oci_dbm_overlay_next(entry);
    }
    if (!rv) {
        rv = oci_dbm_tree_change(&snapshot->tree, changes, count, merge->pool);
    }
    return rv;
}

/* See that a snapshot has what the logs say, and all else is whole. */
static apr_status_t verify(const merge_t *merge,
                           const oci_dbm_snapshot_t *snapshot)
{
    const oci_dbm_view_t *view = merge->view;
    const oci_dbm_overlay_entry_t *entry = oci_dbm_overlay_after(view->overlay,
                                                                 "");
    apr_pool_t *pool;
    apr_status_t rv = apr_pool_create(&pool, merge->pool);

    for (; entry && !rv; entry = oci_dbm_overlay_next(entry)) {
        oci_value_t wanted, got;

        rv = oci_dbm_snapshot_get(&got, snapshot, entry->key, pool);
        if (entry->position.deleted) {
            rv = rv == APR_NOTFOUND ? APR_SUCCESS : EIO;
        }
        else if (!rv) {
            rv = oci_dbm_view_value(&wanted, view, &entry->position, pool);
            if (!rv
                && (got.size != wanted.size
                    || memcmp(got.data, wanted.data, got.size))) {
                rv = EIO;
            }
        }
        apr_pool_clear(pool);
    }
    return rv ? rv : oci_dbm_snapshot_verify(snapshot, merge->pool);
}

/* Make FILE.new, which is a copy of FILE, what it is to be; and sure. */
static apr_status_t write_snapshot(const merge_t *merge)
{
    const oci_dbm_t *dbm = merge->dbm;
    oci_dbm_snapshot_t snapshot;
    struct stat st;
    apr_status_t rv = oci_dbm_snapshot_open(&snapshot, dbm->type, dbm->new_file,
                                            APR_DBM_READWRITE, merge->pool);

    if (rv) {
        return rv;
    }
    rv = write_changes(merge, &snapshot);
    snapshot.log = oci_dbm_view_log(merge->view)->number + 1;
    if (!rv) {
        rv = oci_dbm_snapshot_finish(&snapshot);
    }
    /* What was claimed and is not needed is given back. */
    if (!rv
        && (fstat(merge->fd, &st) || ftruncate(merge->fd, st.st_size)
            || fsync(merge->fd))) {
        rv = errno;
    }
    if (!rv) {
        rv = oci_dbm_snapshot_open(&snapshot, dbm->type, dbm->new_file,
                                   APR_DBM_READONLY, merge->pool);
    }
    return rv ? rv : verify(merge, &snapshot);
}

/* Let FILE.new take FILE's place; the logs are in it. */
static apr_status_t replace_file(const merge_t *merge)
{
    const oci_dbm_t *dbm = merge->dbm;
    apr_status_t rv;
    int i;

    if (rename(dbm->new_file, dbm->file)) {
        return errno;
    }
    rv = oci_io_sync_dir(dbm->fs.root);
    for (i = 0; i < merge->view->logs->nelts && !rv; i++) {
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

    if (rv) {
        return rv;
    }
    rv = oci_file_lock_try(&lock, dbm->lock_file, OCI_DBM_MERGE, merge.pool);
    if (!rv) {
        unlink(dbm->new_file);
        merge.fd = oci_io_open(dbm->new_file, O_RDWR | O_CREAT | O_EXCL);
        rv = merge.fd == -1 ? errno : copy_file(&merge);
        if (!rv) {
            rv = read_logs(&merge);
        }
        if (!rv) {
            rv = write_snapshot(&merge);
        }
        if (!rv) {
            rv = replace_file(&merge);
        }
        if (merge.fd != -1) {
            close(merge.fd);
        }
        if (rv) {
            unlink(dbm->new_file);
        }
        oci_file_lock_release(lock);
    }
    apr_pool_destroy(merge.pool);
    return rv;
}
