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

/* A named lock is a lock on bytes of the file.  It is one of the open file
 * description: such keep threads apart as well as processes, and are gone when
 * a process is.
 *
 *     file = key[32], random hex digits
 *
 * Where a name's bytes lie is a hash of the key and the name: who may choose
 * names, but does not know the key, can't find two that get in each other's
 * way.  Each name has two bytes, a gate and the lock behind it:
 *
 *     shared       the gate is shared until the lock is
 *     exclusive    the gate is held, and so is the lock
 *
 * So who waits for the lock alone has the gate, and lets nobody pass: those
 * who share it would otherwise keep it from him by turns.
 */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE            /* F_OFD_SETLKW */
#endif

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "apr_escape.h"
#include "apr_general.h"
#include "apr_strings.h"

#include "spec/hash.h"
#include "store/file_lock.h"

#ifndef F_OFD_SETLKW
#error "mod_oci needs locks of open file descriptions (POSIX.1-2024)"
#endif

#define KEY_SIZE 32

/* What who writes the key has; no name's bytes lie so high. */
#define KEY_LOCK ((off_t)1 << 62)

struct oci_lock_t {
    apr_pool_t *pool;
    int         fd;
    off_t       gate;          /* followed by the lock */
};

/* Lock some bytes, or unlock them.
 * command: F_OFD_SETLKW or F_OFD_SETLK
 * type: F_RDLCK, F_WRLCK or F_UNLCK
 */
static apr_status_t set_lock(int fd, int command, short type, off_t start,
                             off_t length)
{
    struct flock range = { .l_type = type, .l_whence = SEEK_SET,
                           .l_start = start, .l_len = length };

    while (fcntl(fd, command, &range)) {
        if (errno != EINTR) {
            return errno;
        }
    }
    return APR_SUCCESS;
}

static apr_status_t unlock(int fd, off_t start, off_t length)
{
    return set_lock(fd, F_OFD_SETLK, F_UNLCK, start, length);
}

static apr_status_t end_lock(void *data)
{
    const oci_lock_t *self = data;

    /* Closing would not do while a process forked meanwhile has it open. */
    unlock(self->fd, self->gate, 2);
    close(self->fd);
    return APR_SUCCESS;
}

/* Whether the file has its key. */
static int read_key(char key[KEY_SIZE], int fd)
{
    return pread(fd, key, KEY_SIZE, 0) == KEY_SIZE;
}

/* Write a new key.  It is to be there before anybody locks a name: a start
 * sees to that. */
static apr_status_t write_key(char key[KEY_SIZE], int fd, apr_pool_t *pool)
{
    unsigned char random[KEY_SIZE / 2];
    apr_status_t rv = apr_generate_random_bytes(random, sizeof(random));
    ssize_t size;

    if (rv) {
        return rv;
    }
    memcpy(key, apr_pescape_hex(pool, random, sizeof(random), 0), KEY_SIZE);
    /* A part of it is no key: the next who comes here writes another. */
    size = pwrite(fd, key, KEY_SIZE, 0);
    if (size != KEY_SIZE) {
        return size == -1 ? errno : ENOSPC;
    }
    return fdatasync(fd) ? errno : APR_SUCCESS;
}

static apr_status_t make_key(char key[KEY_SIZE], int fd, apr_pool_t *pool)
{
    apr_status_t rv = set_lock(fd, F_OFD_SETLKW, F_WRLCK, KEY_LOCK, 1);

    if (rv) {
        return rv;
    }
    if (!read_key(key, fd)) {
        rv = write_key(key, fd, pool);
    }
    unlock(fd, KEY_LOCK, 1);
    return rv;
}

/* Find where the bytes of a name lie. */
static apr_status_t find_gate(off_t *gate, int fd, const char *name,
                              apr_pool_t *pool)
{
    apr_status_t rv = APR_SUCCESS;
    char key[KEY_SIZE];

    if (!read_key(key, fd)) {
        rv = make_key(key, fd, pool);
    }
    if (!rv) {
        *gate = 2 * (off_t)oci_hash(apr_psprintf(pool, "%.*s%s", KEY_SIZE,
                                                 key, name), pool);
    }
    return rv;
}

/* Pass the gate, and take the lock. */
static apr_status_t take(const oci_lock_t *self, oci_lock_e kind)
{
    short type = kind == OCI_LOCK_SHARED ? F_RDLCK : F_WRLCK;
    apr_status_t rv = set_lock(self->fd, F_OFD_SETLKW, type, self->gate, 1);

    if (rv) {
        return rv;
    }
    rv = set_lock(self->fd, F_OFD_SETLKW, type, self->gate + 1, 1);
    if (rv || kind == OCI_LOCK_SHARED) {
        unlock(self->fd, self->gate, 1);
    }
    return rv;
}

/* Take the lock where nobody has it. */
static apr_status_t try_take(const oci_lock_t *self)
{
    apr_status_t rv = set_lock(self->fd, F_OFD_SETLK, F_WRLCK,
                               self->gate + 1, 1);

    return rv == EAGAIN || rv == EACCES ? APR_EBUSY : rv;
}

static apr_status_t begin_lock(oci_lock_t **lock, const char *path,
                               const char *name, apr_pool_t *pool)
{
    oci_lock_t *self = apr_pcalloc(pool, sizeof(*self));
    apr_status_t rv;

    self->pool = pool;
    self->fd = open(path, O_RDWR | O_CLOEXEC);
    if (self->fd == -1) {
        return errno;
    }
    rv = find_gate(&self->gate, self->fd, name, pool);
    if (rv) {
        close(self->fd);
        return rv;
    }
    *lock = self;
    return APR_SUCCESS;
}

/* Keep a lock that was taken, or let go of one that was not. */
static apr_status_t settle(oci_lock_t *lock, apr_status_t rv)
{
    if (rv) {
        close(lock->fd);
        return rv;
    }
    apr_pool_cleanup_register(lock->pool, lock, end_lock,
                              apr_pool_cleanup_null);
    return APR_SUCCESS;
}

apr_status_t oci_file_lock(oci_lock_t **lock, const char *path,
                           const char *name, oci_lock_e kind,
                           apr_pool_t *pool)
{
    apr_status_t rv = begin_lock(lock, path, name, pool);

    return rv ? rv : settle(*lock, take(*lock, kind));
}

apr_status_t oci_file_try_lock(oci_lock_t **lock, const char *path,
                               const char *name, apr_pool_t *pool)
{
    apr_status_t rv = begin_lock(lock, path, name, pool);

    return rv ? rv : settle(*lock, try_take(*lock));
}

apr_status_t oci_file_prepare(const char *path, apr_pool_t *pool)
{
    oci_lock_t *lock;
    apr_status_t rv = begin_lock(&lock, path, "", pool);

    if (!rv) {
        close(lock->fd);
    }
    return rv;
}

apr_status_t oci_file_unlock(oci_lock_t *lock)
{
    return apr_pool_cleanup_run(lock->pool, lock, end_lock);
}
