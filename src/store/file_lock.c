/* SPDX-License-Identifier: Apache-2.0 */

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
 *
 * The kernel's own wait for a lock has no limit, and a frozen process keeps
 * its locks.  So a waiting thread tries again after pauses, which grow to a
 * tenth of the time waited so far, within PAUSE_LEAST and PAUSE_MOST.
 */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* F_OFD_SETLK */
#endif

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "apr_escape.h"
#include "apr_general.h"
#include "apr_strings.h"

#include "values/fingerprint.h"
#include "store/file_lock.h"
#include "store/wait.h"

#ifndef F_OFD_SETLK
#error "mod_oci needs locks of open file descriptions (POSIX.1-2024)"
#endif

#define KEY_SIZE 32

#define PAUSE_LEAST 20 /* microseconds */
#define PAUSE_MOST  2000

/* What who writes the key has; no name's bytes lie so high. */
#define KEY_LOCK ((off_t)1 << 62)

struct oci_lock_t {
    apr_pool_t *pool;
    int fd;
    off_t gate; /* followed by the lock */
};

/* Lock some bytes where nobody else has them, or unlock them.
 * type: F_RDLCK, F_WRLCK or F_UNLCK
 * Returns APR_EBUSY where another descriptor has a lock there.
 */
static apr_status_t set_lock(int fd, short type, off_t start, off_t length)
{
    struct flock range = {
        .l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length
    };

    while (fcntl(fd, F_OFD_SETLK, &range)) {
        if (errno == EAGAIN || errno == EACCES) {
            return APR_EBUSY;
        }
        if (errno != EINTR) {
            return errno;
        }
    }
    return APR_SUCCESS;
}

static apr_status_t unlock(int fd, off_t start, off_t length)
{
    return set_lock(fd, F_UNLCK, start, length);
}

/* Lock a byte, waiting for it until a time of oci_wait_now. */
static apr_status_t wait_lock(int fd, short type, off_t start, apr_time_t until)
{
    apr_status_t rv = set_lock(fd, type, start, 1);
    apr_time_t began = rv == APR_EBUSY ? oci_wait_now() : 0;

    while (rv == APR_EBUSY) {
        apr_time_t now = oci_wait_now();
        apr_interval_time_t rest = (now - began) / 10;

        if (now >= until) {
            return APR_TIMEUP;
        }
        apr_sleep(rest < PAUSE_LEAST      ? PAUSE_LEAST
                      : rest > PAUSE_MOST ? PAUSE_MOST
                                          : rest);
        rv = set_lock(fd, type, start, 1);
    }
    return rv;
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
    apr_status_t rv = wait_lock(fd, F_WRLCK, KEY_LOCK,
                                oci_wait_now() + OCI_WAIT_FILE);

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
        *gate = 2
            * (off_t)oci_fingerprint(apr_psprintf(pool, "%.*s%s", KEY_SIZE, key,
                                                  name),
                                     pool);
    }
    return rv;
}

/* Pass the gate, and take the lock. */
static apr_status_t take(const oci_lock_t *self, oci_lock_e kind,
                         apr_interval_time_t limit)
{
    short type = kind == OCI_LOCK_SHARED ? F_RDLCK : F_WRLCK;
    apr_time_t until = oci_wait_now() + limit;
    apr_status_t rv = wait_lock(self->fd, type, self->gate, until);

    if (rv) {
        return rv;
    }
    rv = wait_lock(self->fd, type, self->gate + 1, until);
    if (rv || kind == OCI_LOCK_SHARED) {
        unlock(self->fd, self->gate, 1);
    }
    return rv;
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

/* Take a lock, and say in the pool what was waited for in vain. */
static apr_status_t take_within(oci_lock_t *lock, const char *path,
                                oci_lock_e kind, apr_interval_time_t limit)
{
    apr_status_t rv = take(lock, kind, limit);

    if (rv == APR_TIMEUP) {
        char *text = apr_psprintf(lock->pool,
                                  "waited %" APR_TIME_T_FMT
                                  " ms for a lock in %s, which another "
                                  "request or process keeps",
                                  apr_time_as_msec(limit), path);

        apr_pool_userdata_setn(text, OCI_REASON, NULL, lock->pool);
    }
    return settle(lock, rv);
}

apr_status_t oci_file_lock_take(oci_lock_t **lock, const char *path,
                                const char *name, oci_lock_e kind,
                                apr_pool_t *pool)
{
    apr_status_t rv = begin_lock(lock, path, name, pool);

    return rv ? rv : take_within(*lock, path, kind, OCI_WAIT_FILE);
}

apr_status_t oci_file_lock_take_within(oci_lock_t **lock, const char *path,
                                       const char *name,
                                       apr_interval_time_t limit,
                                       apr_pool_t *pool)
{
    apr_status_t rv = begin_lock(lock, path, name, pool);

    return rv ? rv : take_within(*lock, path, OCI_LOCK_EXCLUSIVE, limit);
}

apr_status_t oci_file_lock_try(oci_lock_t **lock, const char *path,
                               const char *name, apr_pool_t *pool)
{
    apr_status_t rv = begin_lock(lock, path, name, pool);

    return rv
        ? rv
        : settle(*lock, set_lock((*lock)->fd, F_WRLCK, (*lock)->gate + 1, 1));
}

apr_status_t oci_file_lock_prepare(const char *path, apr_pool_t *pool)
{
    oci_lock_t *lock;
    apr_status_t rv = begin_lock(&lock, path, "", pool);

    if (!rv) {
        close(lock->fd);
    }
    return rv;
}

apr_status_t oci_file_lock_release(oci_lock_t *lock)
{
    return apr_pool_cleanup_run(lock->pool, lock, end_lock);
}
