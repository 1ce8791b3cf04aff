/* SPDX-License-Identifier: Apache-2.0 */

/* The format of a log, and how it is read.  A log is a line and records:
 *
 *     log    = "mod_oci index log 2 " NUMBER LF record...
 *     record = size[8] sum[8] body
 *     body   = synced[8] ( change... | "e" )
 *     change = "p" key-size[2] key value-size[4] value
 *            | "d" key-size[2] key
 *
 * Numbers have the given number of bytes, the most significant one first.  size
 * is the size of body; sum depends on body and on the record's offset.  "p"
 * sets a key, "d" deletes it.  "e" ends the log: the log of the next number
 * continues.
 *
 * A record holds all changes of one call, and counts only if it is complete.
 * The next writer cuts off what a killed writer left at the end.  A power cut
 * can leave bytes there that were never written, and even records behind them,
 * but no caller was told that these records were safe.  Damage looks the same,
 * with one difference: a record says how many bytes of the log were known to be
 * synced when it was written, and such bytes do not vanish by themselves. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apr_strings.h"

#include "store/dbm/dbm_bytes.h"
#include "store/dbm/dbm_log.h"
#include "store/dbm/dbm_log_format.h"
#include "store/dbm/dbm_snapshot.h"

#define HEAD   OCI_LOG_HEAD
#define SYNCED OCI_LOG_SYNCED
#define CHUNK  (64 * 1024) /* read in one call, bytes */

const char *oci_dbm_log_path(const char *file, apr_uint64_t number,
                             apr_pool_t *pool)
{
    return apr_psprintf(pool, "%s.log-%" APR_UINT64_T_FMT, file, number);
}

int oci_dbm_log_head_line(char line[64], apr_uint64_t number)
{
    return apr_snprintf(line, 64, OCI_LOG_WORDS "%d %" APR_UINT64_T_FMT "\n",
                        OCI_DBM_VERSION, number);
}

apr_status_t oci_dbm_log_read_at(int fd, char *bytes, apr_size_t size,
                                 apr_off_t offset)
{
    while (size) {
        ssize_t n = pread(fd, bytes, size, offset);

        if (n > 0) {
            bytes += n;
            size -= n;
            offset += n;
        }
        else if (n == 0 || errno != EINTR) {
            return n == 0 ? APR_EOF : errno;
        }
    }
    return APR_SUCCESS;
}

apr_uint64_t oci_dbm_log_sum(const oci_dbm_log_t *log, apr_off_t offset,
                             const char *body, apr_size_t size)
{
    return oci_dbm_bytes_sum(log->number << 40 ^ (apr_uint64_t)offset, body,
                             size);
}

int oci_dbm_log_is_record(const oci_dbm_log_t *log, apr_off_t offset,
                          const char *bytes, apr_size_t left)
{
    apr_uint64_t size = left < HEAD ? 0 : oci_dbm_bytes_get(bytes, 8);

    return size > SYNCED && size <= left - HEAD
        && oci_dbm_bytes_get(bytes + 8, 8)
        == oci_dbm_log_sum(log, offset, bytes + HEAD, size);
}

/* Check the first line of a log, which may have an older version. */
static apr_status_t check_head_line(oci_dbm_log_t *log, char *line,
                                    const char *wanted)
{
    apr_size_t at = strlen(OCI_LOG_WORDS);

    log->version = line[at] - '0';
    if (!strncmp(line, OCI_LOG_WORDS, at)
        && apr_atoi64(line + at) > OCI_DBM_VERSION) {
        return APR_ENOTIMPL;
    }
    if (log->version > 0 && log->version <= OCI_DBM_VERSION) {
        line[at] = wanted[at];
    }
    return strcmp(line, wanted) ? APR_EINVAL : APR_SUCCESS;
}

static apr_status_t open_log_file(oci_dbm_log_t *log, const char *path,
                                  apr_uint64_t number, int flags)
{
    char wanted[64], line[64] = "";
    int size = oci_dbm_log_head_line(wanted, number);
    struct stat st;
    apr_status_t rv;

    log->path = path;
    log->number = number;
    log->end = size;
    log->synced = 0;
    log->ended = 0;
    log->fd = open(path, flags | O_NOFOLLOW | O_CLOEXEC);
    if (log->fd == -1) {
        return errno;
    }
    rv = oci_dbm_log_read_at(log->fd, line, size, 0);
    if (rv == APR_SUCCESS && fstat(log->fd, &st)) {
        rv = errno;
    }
    if (rv == APR_SUCCESS) {
        rv = check_head_line(log, line, wanted);
    }
    if (rv != APR_SUCCESS) {
        oci_dbm_log_close(log);
        return rv == APR_EOF ? APR_EINVAL : rv;
    }
    log->device = st.st_dev;
    log->inode = st.st_ino;
    return APR_SUCCESS;
}

apr_status_t oci_dbm_log_open(oci_dbm_log_t *log, const char *path,
                              apr_uint64_t number)
{
    return open_log_file(log, path, number, O_RDONLY);
}

apr_status_t oci_dbm_log_open_to_append(oci_dbm_log_t *log,
                                        const oci_dbm_log_t *known,
                                        apr_pool_t *pool)
{
    apr_status_t rv = open_log_file(log, apr_pstrdup(pool, known->path),
                                    known->number, O_RDWR);

    log->end = known->end;
    log->synced = known->synced;
    return rv;
}

int oci_dbm_log_is_used(const char *path, apr_uint64_t number)
{
    apr_off_t size = 0;
    oci_dbm_log_t log;
    int used = !oci_dbm_log_open(&log, path, number);

    if (used) {
        used = !oci_dbm_log_size(&size, &log) && size > log.end;
        oci_dbm_log_close(&log);
    }
    return used;
}

void oci_dbm_log_close(oci_dbm_log_t *log)
{
    close(log->fd);
}

apr_status_t oci_dbm_log_size(apr_off_t *size, const oci_dbm_log_t *log)
{
    struct stat st;

    if (stat(log->path, &st)) {
        return errno == ENOENT ? APR_EAGAIN : errno;
    }
    if (st.st_dev != log->device || st.st_ino != log->inode) {
        return APR_EAGAIN;
    }
    *size = st.st_size;
    return st.st_size < log->end ? EIO : APR_SUCCESS;
}

/* Read the changes of a body at log->end + HEAD. */
static apr_status_t read_body(oci_dbm_log_t *log, oci_dbm_overlay_t *overlay,
                              const char *body, apr_size_t size)
{
    const char *next = body + SYNCED, *end = body + size;
    apr_off_t synced = (apr_off_t)oci_dbm_bytes_get(body, SYNCED);

    if (synced > log->synced) {
        log->synced = synced;
    }
    if (size == SYNCED + 1 && *next == 'e') {
        log->ended = 1;
        return APR_SUCCESS;
    }
    while (end - next > 3) {
        oci_dbm_position_t position = { *next == 'd', log->number, 0, 0 };
        apr_ssize_t length = oci_dbm_bytes_get(next + 1, 2);
        const char *key = next + 3;

        next = key + length;
        if (!position.deleted) {
            if (key[-3] != 'p' || end - key < length + 4) {
                return EIO;
            }
            position.size = oci_dbm_bytes_get(next, 4);
            next += 4;
            position.offset = log->end + HEAD + (next - body);
            if ((apr_size_t)(end - next) < position.size) {
                return EIO;
            }
            next += position.size;
        }
        else if (end - key < length) {
            return EIO;
        }
        if (memchr(key, '\0', length)) {
            return EIO;
        }
        oci_dbm_overlay_set(overlay, key, length, &position);
    }
    return next == end ? APR_SUCCESS : EIO;
}

apr_status_t oci_dbm_log_follow(oci_dbm_log_t *log, apr_off_t size,
                                oci_dbm_overlay_t *overlay, apr_pool_t *pool)
{
    apr_size_t room = CHUNK;

    while (log->end < size && !log->ended) {
        apr_off_t left = size - log->end;
        apr_size_t length = left < (apr_off_t)room ? (apr_size_t)left : room;
        char *bytes = apr_palloc(pool, length), *next = bytes;
        apr_status_t rv = oci_dbm_log_read_at(log->fd, bytes, length, log->end);

        while (rv == APR_SUCCESS && !log->ended
               && oci_dbm_log_is_record(log, log->end, next, length)) {
            apr_uint64_t body = oci_dbm_bytes_get(next, 8);

            rv = read_body(log, overlay, next + HEAD, body);
            log->end += HEAD + body;
            next += HEAD + body;
            length -= HEAD + body;
        }
        if (rv != APR_SUCCESS) {
            return rv == APR_EOF ? APR_INCOMPLETE : rv;
        }
        room = CHUNK;
        if (next == bytes) {
            apr_uint64_t body = length < HEAD ? 0 : oci_dbm_bytes_get(next, 8);

            if (length < HEAD || body > (apr_uint64_t)left - HEAD
                || body <= length - HEAD) {
                return APR_INCOMPLETE;
            }
            room = HEAD + body;
        }
    }
    return APR_SUCCESS;
}

apr_status_t oci_dbm_log_check(const oci_dbm_log_t *log, apr_off_t size,
                               apr_pool_t *pool)
{
    apr_size_t left = size - log->end, i;
    char *bytes = apr_palloc(pool, left);
    apr_status_t rv = oci_dbm_log_read_at(log->fd, bytes, left, log->end);

    for (i = 0; i < left && rv == APR_SUCCESS; i++) {
        if (oci_dbm_log_is_record(log, log->end + i, bytes + i, left - i)
            && oci_dbm_bytes_get(bytes + i + HEAD, SYNCED)
                > (apr_uint64_t)log->end) {
            return EIO;
        }
    }
    return rv;
}

apr_status_t oci_dbm_log_read_value(oci_value_t *value,
                                    const oci_dbm_log_t *log,
                                    const oci_dbm_position_t *position,
                                    apr_pool_t *pool)
{
    char *data = apr_palloc(pool, position->size + 1);
    apr_status_t rv = oci_dbm_log_read_at(log->fd, data, position->size,
                                          position->offset);

    data[position->size] = '\0';
    value->data = data;
    value->size = position->size;
    return rv == APR_EOF ? EIO : rv;
}
