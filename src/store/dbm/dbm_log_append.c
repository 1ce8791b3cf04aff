/* SPDX-License-Identifier: Apache-2.0 */

/* How a log is created and written; dbm_log.c draws its format.
 *
 * Some blocks behind the end belong to the log already.  When the disk has no
 * more blocks, only deletions may use them.
 *
 * A failed sync is reported once, and only to descriptors that were open
 * before.  The bytes may then be missing on the disk although every process
 * reads them, and a later sync does not write them.  So a durable append first
 * writes again, at the same offset, all bytes that are not known to be synced,
 * with the descriptor that it then syncs.  If that is interrupted or fails, it
 * has changed nothing.  So a failed sync does not affect later writers: either
 * they see the failure, too, or everything up to their own end is safe.  If the
 * system has dropped the bytes themselves, the log continues in a new file, see
 * oci_dbm_log_replace. */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* fallocate */
#endif

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apr_general.h"

#include "store/dbm/dbm_bytes.h"
#include "store/dbm/dbm_log.h"
#include "store/dbm/dbm_log_format.h"
#include "store/dbm/dbm_snapshot.h"

#define HEAD    OCI_LOG_HEAD
#define SYNCED  OCI_LOG_SYNCED
#define RESERVE (64 * 1024) /* reserved behind the end, bytes */
#define BLOCK   512         /* of a stat's st_blocks, bytes */

/* Reserve room for records up to end, and for deletions behind it. */
static apr_status_t reserve(int fd, apr_off_t end)
{
#ifdef FALLOC_FL_KEEP_SIZE
    apr_off_t last = (end / RESERVE + 2) * RESERVE;
    struct stat st;

    if (fstat(fd, &st)) {
        return errno;
    }
    if ((apr_off_t)st.st_blocks * BLOCK >= end + RESERVE) {
        return APR_SUCCESS;
    }
    while (fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, last)) {
        if (errno == ENOSPC || errno == EDQUOT) {
            return errno;
        }
        /* Not every file system can reserve room. */
        if (errno != EINTR) {
            break;
        }
    }
#endif
    return APR_SUCCESS;
}

/* Write a new file with these bytes and reserved room under a temporary name,
 * and rename it to path. */
static apr_status_t write_new_file(const char *path, const char *bytes,
                                   apr_size_t size)
{
    char temporary[4096];
    apr_status_t rv;
    int fd;

    if (snprintf(temporary, sizeof(temporary), "%s.new", path)
        >= (int)sizeof(temporary)) {
        return APR_ENAMETOOLONG;
    }
    unlink(temporary);
    fd = oci_io_open(temporary, O_WRONLY | O_CREAT | O_EXCL);
    if (fd == -1) {
        return errno;
    }
    rv = oci_io_write(fd, bytes, size);
    if (rv == APR_SUCCESS) {
        rv = reserve(fd, size);
    }
    if (rv == APR_SUCCESS && (fsync(fd) || rename(temporary, path))) {
        rv = errno;
    }
    close(fd);
    if (rv != APR_SUCCESS) {
        unlink(temporary);
    }
    return rv;
}

apr_status_t oci_dbm_log_create(const char *path, apr_uint64_t number)
{
    char line[64];
    int size = oci_dbm_log_head_line(line, number);
    struct stat st;

    if (!lstat(path, &st) && (!S_ISREG(st.st_mode) || st.st_size > size)) {
        return APR_EEXIST;
    }
    return write_new_file(path, line, size);
}

static apr_status_t write_at(int fd, const char *bytes, apr_size_t size,
                             apr_off_t offset)
{
    while (size) {
        ssize_t n = pwrite(fd, bytes, size, offset);

        if (n >= 0) {
            bytes += n;
            size -= n;
            offset += n;
        }
        else if (errno != EINTR) {
            return errno;
        }
    }
    return APR_SUCCESS;
}

static apr_status_t truncate_log(const oci_dbm_log_t *log)
{
    if (ftruncate(log->fd, log->end)) {
        return errno;
    }
    /* If that fails, nothing is reserved, but deletions may still find room. */
    reserve(log->fd, log->end);
    return APR_SUCCESS;
}

apr_status_t oci_dbm_log_trim(const oci_dbm_log_t *log)
{
    struct stat st;

    if (fstat(log->fd, &st)) {
        return errno;
    }
    return st.st_size > log->end ? truncate_log(log) : APR_SUCCESS;
}

/* Write a record that ends at end and is complete except for its head and the
 * field "synced". */
static apr_status_t write_record(oci_dbm_log_t *log, char *record,
                                 const char *end)
{
    apr_size_t body = end - record - HEAD;
    apr_status_t rv;

    oci_dbm_bytes_put(record + HEAD, log->synced, SYNCED);
    oci_dbm_bytes_put(record, body, 8);
    oci_dbm_bytes_put(record + 8,
                      oci_dbm_log_sum(log, log->end, record + HEAD, body), 8);
    rv = write_at(log->fd, record, HEAD + body, log->end);
    if (rv != APR_SUCCESS) {
        truncate_log(log);
        return rv;
    }
    log->end += HEAD + body;
    return APR_SUCCESS;
}

apr_status_t oci_dbm_log_rewrite_unsynced(const oci_dbm_log_t *log,
                                          apr_pool_t *pool)
{
    apr_off_t at = log->synced;
    apr_size_t size = (apr_size_t)(log->end - at), used = 0;
    char line[64], *bytes;
    apr_status_t rv;

    if (!size) {
        return APR_SUCCESS;
    }
    bytes = apr_palloc(pool, size);
    rv = oci_dbm_log_read_at(log->fd, bytes, size, at);
    if (!at) {
        used = oci_dbm_log_head_line(line, log->number);
    }
    while (rv == APR_SUCCESS && used < size) {
        rv = oci_dbm_log_is_record(log, at + used, bytes + used, size - used)
            ? APR_SUCCESS
            : APR_INCOMPLETE;
        if (rv == APR_SUCCESS) {
            used += HEAD + oci_dbm_bytes_get(bytes + used, 8);
        }
    }
    if (rv != APR_SUCCESS) {
        return rv == APR_EOF ? APR_INCOMPLETE : rv;
    }
    return write_at(log->fd, bytes, size, at);
}

apr_status_t oci_dbm_log_raise(const oci_dbm_log_t *log)
{
    apr_status_t rv;
    int fd;

    if (log->version == OCI_DBM_VERSION) {
        return APR_SUCCESS;
    }
    fd = open(log->path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd == -1) {
        return errno;
    }
    rv = write_at(fd, APR_STRINGIFY(OCI_DBM_VERSION), 1, strlen(OCI_LOG_WORDS));
    if (rv == APR_SUCCESS && fdatasync(fd)) {
        rv = errno;
    }
    close(fd);
    return rv;
}

apr_status_t oci_dbm_log_replace(const oci_dbm_log_t *log, apr_pool_t *pool)
{
    char *bytes = apr_palloc(pool, log->end);
    apr_status_t rv = oci_dbm_log_read_at(log->fd, bytes, log->end, 0);

    if (rv == APR_SUCCESS) {
        rv = write_new_file(log->path, bytes, log->end);
    }
    return rv != APR_SUCCESS ? rv
                             : oci_io_sync_dir(oci_io_parent(log->path, pool));
}

static char *write_change(char *bytes, const oci_change_t *change)
{
    apr_size_t length = strlen(change->key);
    int deleted = change->kind == OCI_CHANGE_DELETE;

    *bytes = deleted ? 'd' : 'p';
    oci_dbm_bytes_put(bytes + 1, length, 2);
    memcpy(bytes + 3, change->key, length);
    bytes += 3 + length;
    if (!deleted) {
        oci_dbm_bytes_put(bytes, change->value.size, 4);
        bytes += 4;
        if (change->value.size) {
            memcpy(bytes, change->value.data, change->value.size);
        }
        bytes += change->value.size;
    }
    return bytes;
}

apr_status_t oci_dbm_log_append(oci_dbm_log_t *log,
                                const apr_array_header_t *changes,
                                apr_pool_t *pool)
{
    apr_size_t size = HEAD + SYNCED;
    char *record, *end;
    apr_status_t rv;
    int i, puts = 0;

    for (i = 0; i < changes->nelts; i++) {
        const oci_change_t *change = APR_ARRAY_IDX(changes, i,
                                                   const oci_change_t *);

        size += 7 + strlen(change->key);
        if (change->kind != OCI_CHANGE_DELETE) {
            size += change->value.size;
            puts = 1;
        }
    }
    rv = reserve(log->fd, log->end + size);
    if (rv != APR_SUCCESS && puts) {
        return rv;
    }
    record = apr_palloc(pool, size);
    end = record + HEAD + SYNCED;
    for (i = 0; i < changes->nelts; i++) {
        end = write_change(end,
                           APR_ARRAY_IDX(changes, i, const oci_change_t *));
    }
    return write_record(log, record, end);
}

apr_status_t oci_dbm_log_finish(oci_dbm_log_t *log)
{
    char record[HEAD + SYNCED + 1];
    apr_status_t rv;

    record[HEAD + SYNCED] = 'e';
    rv = write_record(log, record, record + sizeof(record));
    log->ended = rv == APR_SUCCESS;
    return rv;
}
