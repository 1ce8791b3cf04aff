/* Licensed under the Apache License, Version 2.0 (the "License"); you may
 * not use this file except in compliance with the License.  You may obtain
 * a copy of the License at http://www.apache.org/licenses/LICENSE-2.0
 *
 * Unless required by applicable law or agreed to in writing, software
 * distributed under the License is distributed on an "AS IS" BASIS,
 * WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
 * See the License for the specific language governing permissions and
 * limitations under the License.
 */

/* A log is a line and records:
 *
 *     log    = "mod_oci index log 1 " NUMBER LF record...
 *     record = size[8] sum[8] body
 *     body   = synced[8] ( change... | "e" )
 *     change = "p" key-size[2] key value-size[4] value
 *            | "d" key-size[2] key
 *
 * with numbers of so many bytes, the most significant one first.  size is
 * that of body, and sum depends on body and on the record's place.  "e" says
 * that the log of the next number goes on from here.
 *
 * A record holds all changes of one call, and counts once it is whole.  What
 * a killed writer left at the end is cut off by the next one.  A power cut
 * can leave bytes there that were never written, and even records behind
 * them, which nobody was told were safe.  Damage looks the same, but for
 * this: a record says how many bytes of the log were known to be synced when
 * it was written, and what is among these does not vanish by itself.
 *
 * Some blocks behind the end belong to the log already.  Only deletions are
 * written where the disk has no more of them.
 */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE            /* fallocate */
#endif

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apr_strings.h"

#include "store/bytes.h"
#include "store/change_log.h"

#define WORDS   "mod_oci index log "
#define HEAD    16             /* of a record, bytes */
#define SYNCED  8              /* of a body, bytes */
#define CHUNK   (64 * 1024)    /* read at once, bytes */
#define RESERVE (64 * 1024)    /* kept behind the end, bytes */
#define BLOCK   512            /* of a stat's st_blocks, bytes */

const char *oci_log_path(const char *file, apr_uint64_t number,
                         apr_pool_t *pool)
{
    return apr_psprintf(pool, "%s.log-%" APR_UINT64_T_FMT, file, number);
}

static int head_line(char line[64], apr_uint64_t number)
{
    return apr_snprintf(line, 64, WORDS "1 %" APR_UINT64_T_FMT "\n", number);
}

/* See that there is room for records up to end, and for deletions after
 * that. */
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
        /* Not every file system can do that. */
        if (errno != EINTR) {
            break;
        }
    }
#endif
    return APR_SUCCESS;
}

apr_status_t oci_log_create(const oci_fs_t *fs, const char *path,
                            apr_uint64_t number)
{
    char line[64];
    int size = head_line(line, number);
    struct stat st;
    apr_status_t rv;
    int fd;

    if (!lstat(path, &st)) {
        if (!S_ISREG(st.st_mode) || st.st_size > size) {
            return APR_EEXIST;
        }
        unlink(path);
    }
    fd = oci_fs_open(fs, path, O_WRONLY | O_CREAT | O_EXCL);
    if (fd == -1) {
        return errno;
    }
    rv = oci_fs_write(fd, line, size);
    if (!rv) {
        rv = reserve(fd, size);
    }
    if (!rv && fsync(fd)) {
        rv = errno;
    }
    close(fd);
    if (rv) {
        unlink(path);
    }
    return rv;
}

/* All of size bytes, or APR_EOF. */
static apr_status_t read_at(int fd, char *bytes, apr_size_t size,
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

static apr_status_t open_log(oci_log_t *log, const char *path,
                             apr_uint64_t number, int flags)
{
    char wanted[64], line[64] = "";
    int size = head_line(wanted, number);
    struct stat st;
    apr_status_t rv;

    log->path = path;
    log->number = number;
    log->end = size;
    log->synced = 0;
    log->ended = 0;
    log->fd = open(path, flags | O_CLOEXEC);
    if (log->fd == -1) {
        return errno;
    }
    rv = read_at(log->fd, line, size, 0);
    if (!rv && fstat(log->fd, &st)) {
        rv = errno;
    }
    if (!rv && memcmp(line, wanted, size)) {
        rv = !strncmp(line, WORDS, strlen(WORDS))
             && apr_atoi64(line + strlen(WORDS)) > 1 ? APR_ENOTIMPL
                                                     : APR_EINVAL;
    }
    if (rv) {
        oci_log_close(log);
        return rv == APR_EOF ? APR_EINVAL : rv;
    }
    log->device = st.st_dev;
    log->inode = st.st_ino;
    return APR_SUCCESS;
}

apr_status_t oci_log_open(oci_log_t *log, const char *path,
                          apr_uint64_t number)
{
    return open_log(log, path, number, O_RDONLY);
}

apr_status_t oci_log_open_again(oci_log_t *log, const oci_log_t *known,
                                apr_pool_t *pool)
{
    apr_status_t rv = open_log(log, apr_pstrdup(pool, known->path),
                               known->number, O_RDWR);

    log->end = known->end;
    log->synced = known->synced;
    return rv;
}

int oci_log_is_used(const char *path, apr_uint64_t number)
{
    apr_off_t size = 0;
    oci_log_t log;
    int used = !oci_log_open(&log, path, number);

    if (used) {
        used = !oci_log_size(&size, &log) && size > log.end;
        oci_log_close(&log);
    }
    return used;
}

void oci_log_close(oci_log_t *log)
{
    close(log->fd);
}

apr_status_t oci_log_size(apr_off_t *size, const oci_log_t *log)
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

static apr_uint64_t sum_of(const oci_log_t *log, apr_off_t offset,
                           const char *body, apr_size_t size)
{
    return oci_bytes_sum(log->number << 40 ^ (apr_uint64_t)offset, body,
                         size);
}

/* Whether bytes, left of them, begin with a record that lies at offset. */
static int is_record(const oci_log_t *log, apr_off_t offset,
                     const char *bytes, apr_size_t left)
{
    apr_uint64_t size = left < HEAD ? 0 : oci_bytes_get(bytes, 8);

    return size > SYNCED && size <= left - HEAD
           && oci_bytes_get(bytes + 8, 8)
              == sum_of(log, offset, bytes + HEAD, size);
}

/* Read the changes of a body, which lies at log->end + HEAD. */
static apr_status_t read_body(oci_log_t *log, oci_overlay_t *overlay,
                              const char *body, apr_size_t size)
{
    const char *next = body + SYNCED, *end = body + size;
    apr_off_t synced = (apr_off_t)oci_bytes_get(body, SYNCED);

    if (synced > log->synced) {
        log->synced = synced;
    }
    if (size == SYNCED + 1 && *next == 'e') {
        log->ended = 1;
        return APR_SUCCESS;
    }
    while (end - next > 3) {
        oci_place_t place = { *next == 'd', log->number, 0, 0 };
        apr_ssize_t length = oci_bytes_get(next + 1, 2);
        const char *key = next + 3;

        next = key + length;
        if (!place.deleted) {
            if (key[-3] != 'p' || end - key < length + 4) {
                return EIO;
            }
            place.size = oci_bytes_get(next, 4);
            next += 4;
            place.offset = log->end + HEAD + (next - body);
            if ((apr_size_t)(end - next) < place.size) {
                return EIO;
            }
            next += place.size;
        }
        else if (end - key < length) {
            return EIO;
        }
        if (memchr(key, '\0', length)) {
            return EIO;
        }
        oci_overlay_set(overlay, key, length, &place);
    }
    return next == end ? APR_SUCCESS : EIO;
}

apr_status_t oci_log_follow(oci_log_t *log, apr_off_t size,
                            oci_overlay_t *overlay, apr_pool_t *pool)
{
    apr_size_t room = CHUNK;

    while (log->end < size && !log->ended) {
        apr_off_t left = size - log->end;
        apr_size_t length = left < (apr_off_t)room ? (apr_size_t)left : room;
        char *bytes = apr_palloc(pool, length), *next = bytes;
        apr_status_t rv = read_at(log->fd, bytes, length, log->end);

        while (!rv && !log->ended && is_record(log, log->end, next, length)) {
            apr_uint64_t body = oci_bytes_get(next, 8);

            rv = read_body(log, overlay, next + HEAD, body);
            log->end += HEAD + body;
            next += HEAD + body;
            length -= HEAD + body;
        }
        if (rv) {
            return rv == APR_EOF ? APR_INCOMPLETE : rv;
        }
        room = CHUNK;
        if (next == bytes) {
            apr_uint64_t body = length < HEAD ? 0 : oci_bytes_get(next, 8);

            if (length < HEAD || body > (apr_uint64_t)left - HEAD
                || body <= length - HEAD) {
                return APR_INCOMPLETE;
            }
            room = HEAD + body;
        }
    }
    return APR_SUCCESS;
}

apr_status_t oci_log_check(const oci_log_t *log, apr_off_t size,
                           apr_pool_t *pool)
{
    apr_size_t left = size - log->end, i;
    char *bytes = apr_palloc(pool, left);
    apr_status_t rv = read_at(log->fd, bytes, left, log->end);

    for (i = 0; i < left && !rv; i++) {
        if (is_record(log, log->end + i, bytes + i, left - i)
            && oci_bytes_get(bytes + i + HEAD, SYNCED)
               > (apr_uint64_t)log->end) {
            return EIO;
        }
    }
    return rv;
}

static apr_status_t cut(const oci_log_t *log)
{
    if (ftruncate(log->fd, log->end)) {
        return errno;
    }
    /* Where that fails there is no room for deletions, but for those that
     * will find some. */
    reserve(log->fd, log->end);
    return APR_SUCCESS;
}

apr_status_t oci_log_trim(const oci_log_t *log)
{
    struct stat st;

    if (fstat(log->fd, &st)) {
        return errno;
    }
    return st.st_size > log->end ? cut(log) : APR_SUCCESS;
}

/* Write a record, which ends at end and is filled in but for its head and
 * what is synced. */
static apr_status_t write_record(oci_log_t *log, char *record,
                                 const char *end)
{
    apr_size_t body = end - record - HEAD;
    apr_status_t rv;

    oci_bytes_put(record + HEAD, log->synced, SYNCED);
    oci_bytes_put(record, body, 8);
    oci_bytes_put(record + 8, sum_of(log, log->end, record + HEAD, body), 8);
    rv = write_at(log->fd, record, HEAD + body, log->end);
    if (rv) {
        cut(log);
        return rv;
    }
    log->end += HEAD + body;
    return APR_SUCCESS;
}

static char *write_change(char *bytes, const oci_change_t *change)
{
    apr_size_t length = strlen(change->key);
    int deleted = change->kind == OCI_CHANGE_DELETE;

    *bytes = deleted ? 'd' : 'p';
    oci_bytes_put(bytes + 1, length, 2);
    memcpy(bytes + 3, change->key, length);
    bytes += 3 + length;
    if (!deleted) {
        oci_bytes_put(bytes, change->value.size, 4);
        bytes += 4;
        if (change->value.size) {
            memcpy(bytes, change->value.data, change->value.size);
        }
        bytes += change->value.size;
    }
    return bytes;
}

apr_status_t oci_log_append(oci_log_t *log,
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
    if (rv && puts) {
        return rv;
    }
    record = apr_palloc(pool, size);
    end = record + HEAD + SYNCED;
    for (i = 0; i < changes->nelts; i++) {
        end = write_change(end, APR_ARRAY_IDX(changes, i,
                                              const oci_change_t *));
    }
    return write_record(log, record, end);
}

apr_status_t oci_log_finish(oci_log_t *log)
{
    char record[HEAD + SYNCED + 1];
    apr_status_t rv;

    record[HEAD + SYNCED] = 'e';
    rv = write_record(log, record, record + sizeof(record));
    log->ended = !rv;
    return rv;
}

apr_status_t oci_log_value(oci_value_t *value, const oci_log_t *log,
                           const oci_place_t *place, apr_pool_t *pool)
{
    char *data = apr_palloc(pool, place->size + 1);
    apr_status_t rv = read_at(log->fd, data, place->size, place->offset);

    data[place->size] = '\0';
    value->data = data;
    value->size = place->size;
    return rv == APR_EOF ? EIO : rv;
}
