/* SPDX-License-Identifier: Apache-2.0 */

/* Named locks in a file, between threads and between processes.
 *
 * A named lock is a lock on two bytes of the file.  It belongs to an open file
 * description (F_OFD_SETLK): such locks exclude threads as well as processes,
 * and end when the process ends.
 *
 *     file = key[32], random hex digits
 *
 * The offset of a name's bytes is a hash of the key and the name.  A client
 * that can choose names, but does not know the key, cannot find two names that
 * block each other.  The two bytes are a gate and the lock behind it:
 *
 *     shared       the gate is locked shared until the lock is acquired
 *     exclusive    the gate is locked exclusively as long as the lock
 *
 * A waiting exclusive locker holds the gate, so new shared lockers queue behind
 * it; overlapping shared lockers could otherwise starve it.
 *
 * The kernel's own wait for a lock has no limit, and a frozen process keeps its
 * locks.  So a waiting thread polls.  Its pauses grow to a tenth of the time
 * waited so far, between PAUSE_LEAST and PAUSE_MOST. */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* F_OFD_SETLK */
#endif

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apr_escape.h"
#include "apr_general.h"
#include "apr_strings.h"

#include "values/fingerprint.h"
#include "store/file_lock.h"
#include "store/io.h"
#include "store/wait.h"

#ifndef F_OFD_SETLK
#error "mod_oci needs open file description locks (POSIX.1-2024)"
#endif

#define KEY_SIZE 32

#define PAUSE_LEAST 20 /* microseconds */
#define PAUSE_MOST  2000

/* The byte that is locked to write the key; no name's bytes have such an
 * offset. */
#define KEY_LOCK ((off_t)1 << 62)

struct oci_lock_t {
    apr_pool_t *pool;
    int fd;
    off_t gate; /* followed by the lock */
};

/* Lock or unlock a range of bytes without waiting.
 * type: F_RDLCK, F_WRLCK or F_UNLCK
 * Returns APR_EBUSY if another descriptor holds a conflicting lock. */
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

/* Lock a byte, waiting until a time of oci_wait_now at most. */
static apr_status_t lock_byte(int fd, short type, off_t start, apr_time_t until)
{
    apr_status_t rv = set_lock(fd, type, start, 1);
    apr_time_t began = rv == APR_EBUSY ? oci_wait_now() : 0;

    while (rv == APR_EBUSY) {
        apr_time_t now = oci_wait_now();
        apr_interval_time_t interval = (now - began) / 10;

        if (now >= until) {
            return APR_TIMEUP;
        }
        if (interval < PAUSE_LEAST) {
            interval = PAUSE_LEAST;
        }
        if (interval > PAUSE_MOST) {
            interval = PAUSE_MOST;
        }
        apr_sleep(interval);
        rv = set_lock(fd, type, start, 1);
    }
    return rv;
}

static apr_status_t release_lock(void *data)
{
    const oci_lock_t *self = data;

    /* Closing alone would not release the lock while a child that was forked
     * meanwhile has the file open. */
    unlock(self->fd, self->gate, 2);
    close(self->fd);
    return APR_SUCCESS;
}

/* Read the key; return whether the file has a complete one. */
static int read_key(char key[KEY_SIZE], int fd)
{
    return pread(fd, key, KEY_SIZE, 0) == KEY_SIZE;
}

/* Write a new key.  It must exist before any name is locked, which a start
 * ensures. */
static apr_status_t write_key(char key[KEY_SIZE], int fd, apr_pool_t *pool)
{
    unsigned char random[KEY_SIZE / 2];
    apr_status_t rv = apr_generate_random_bytes(random, sizeof(random));
    ssize_t size;

    if (rv != APR_SUCCESS) {
        return rv;
    }
    memcpy(key, apr_pescape_hex(pool, random, sizeof(random), 0), KEY_SIZE);
    /* An incomplete key is replaced by the next process that needs one. */
    size = pwrite(fd, key, KEY_SIZE, 0);
    if (size != KEY_SIZE) {
        return size == -1 ? errno : ENOSPC;
    }
    return fdatasync(fd) ? errno : APR_SUCCESS;
}

static apr_status_t make_key(char key[KEY_SIZE], int fd, apr_pool_t *pool)
{
    apr_status_t rv = lock_byte(fd, F_WRLCK, KEY_LOCK,
                                oci_wait_now() + OCI_WAIT_FILE);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (!read_key(key, fd)) {
        rv = write_key(key, fd, pool);
    }
    unlock(fd, KEY_LOCK, 1);
    return rv;
}

/* Compute the offset of a name's bytes. */
static apr_status_t find_gate(off_t *gate, int fd, const char *name,
                              apr_pool_t *pool)
{
    apr_status_t rv = APR_SUCCESS;
    char key[KEY_SIZE];

    if (!read_key(key, fd)) {
        rv = make_key(key, fd, pool);
    }
    if (rv == APR_SUCCESS) {
        *gate = 2
            * (off_t)oci_fingerprint(apr_psprintf(pool, "%.*s%s", KEY_SIZE, key,
                                                  name),
                                     pool);
    }
    return rv;
}

/* Lock the gate, then the lock behind it. */
static apr_status_t lock_through_gate(const oci_lock_t *self, oci_lock_e kind,
                                      apr_interval_time_t limit)
{
    short type = kind == OCI_LOCK_SHARED ? F_RDLCK : F_WRLCK;
    apr_time_t until = oci_wait_now() + limit;
    apr_status_t rv = lock_byte(self->fd, type, self->gate, until);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = lock_byte(self->fd, type, self->gate + 1, until);
    if (rv != APR_SUCCESS || kind == OCI_LOCK_SHARED) {
        unlock(self->fd, self->gate, 1);
    }
    return rv;
}

static apr_status_t open_lock(oci_lock_t **lock, const char *path,
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
    if (rv != APR_SUCCESS) {
        close(self->fd);
        return rv;
    }
    *lock = self;
    return APR_SUCCESS;
}

/* Register the cleanup of a lock that was acquired, or close the file. */
static apr_status_t keep_or_close(oci_lock_t *lock, apr_status_t rv)
{
    if (rv != APR_SUCCESS) {
        close(lock->fd);
        return rv;
    }
    apr_pool_cleanup_register(lock->pool, lock, release_lock,
                              apr_pool_cleanup_null);
    return APR_SUCCESS;
}

/* Acquire a lock, or explain a timeout under OCI_REASON. */
static apr_status_t lock_or_explain(oci_lock_t *lock, const char *path,
                                    oci_lock_e kind, apr_interval_time_t limit)
{
    apr_status_t rv = lock_through_gate(lock, kind, limit);

    if (rv == APR_TIMEUP) {
        char *text = apr_psprintf(lock->pool,
                                  "timed out after %" APR_TIME_T_FMT
                                  " ms waiting for a lock in %s, which "
                                  "another request or process holds",
                                  apr_time_as_msec(limit), path);

        apr_pool_userdata_setn(text, OCI_REASON, NULL, lock->pool);
    }
    return keep_or_close(lock, rv);
}

apr_status_t oci_file_lock_take(oci_lock_t **lock, const char *path,
                                const char *name, oci_lock_e kind,
                                apr_pool_t *pool)
{
    apr_status_t rv = open_lock(lock, path, name, pool);

    return rv != APR_SUCCESS
        ? rv
        : lock_or_explain(*lock, path, kind, OCI_WAIT_FILE);
}

apr_status_t oci_file_lock_take_within(oci_lock_t **lock, const char *path,
                                       const char *name,
                                       apr_interval_time_t limit,
                                       apr_pool_t *pool)
{
    apr_status_t rv = open_lock(lock, path, name, pool);

    return rv != APR_SUCCESS
        ? rv
        : lock_or_explain(*lock, path, OCI_LOCK_EXCLUSIVE, limit);
}

apr_status_t oci_file_lock_try(oci_lock_t **lock, const char *path,
                               const char *name, apr_pool_t *pool)
{
    apr_status_t rv = open_lock(lock, path, name, pool);

    return rv != APR_SUCCESS
        ? rv
        : keep_or_close(*lock,
                        set_lock((*lock)->fd, F_WRLCK, (*lock)->gate + 1, 1));
}

apr_status_t oci_file_lock_prepare(const char *path, apr_pool_t *pool)
{
    oci_lock_t *lock;
    apr_status_t rv = open_lock(&lock, path, "", pool);

    if (rv == APR_SUCCESS) {
        close(lock->fd);
    }
    return rv;
}

const char *oci_file_lock_rename(const char *old, const char *path,
                                 apr_pool_t *pool)
{
    struct stat st;

    if (!lstat(path, &st)) {
        unlink(old);
    }
    else if (rename(old, path) && errno != ENOENT) {
        return oci_io_failure("rename", old, errno, pool);
    }
    return NULL;
}

const char *oci_file_lock_refuse_old(const char *old, const char *path,
                                     apr_pool_t *pool)
{
    struct stat st;

    return !lstat(path, &st) || lstat(old, &st)
        ? NULL
        : apr_psprintf(
            pool, "%.*s is an index that an older mod_oci uses: " OCI_RAISE,
            (int)(strlen(old) - strlen(".lock")), old);
}

apr_status_t oci_file_lock_release(oci_lock_t *lock)
{
    return apr_pool_cleanup_run(lock->pool, lock, release_lock);
}
