/* SPDX-License-Identifier: Apache-2.0 */

/* Files and directories, with the durability that APR does not promise.
 *
 * APR does not say how durable it makes files and directories, and it cannot
 * sync a directory or create links, so this file calls the system itself.  On
 * POSIX systems an apr_status_t is an errno. */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* renameat2 */
#endif

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#ifdef __linux__
#include <linux/magic.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#endif
#include <time.h>
#include <unistd.h>

#include "apr_file_info.h"
#include "apr_lib.h"
#include "apr_strings.h"
#include "apr_time.h"

#include "store/io.h"

#define FILE_MODE   0640
#define COPY_BUFFER (128 * 1024)

/* No write takes this long: an older temporary file was left by a killed
 * process. */
#define TEMPORARY_LIFE apr_time_from_sec(3600)

/* Ticks of clocks that count nanoseconds, and of those that do not. */
#define FINE_TICK   apr_time_from_msec(20)
#define COARSE_TICK apr_time_from_sec(2)

const char *oci_io_failure(const char *what, const char *path, apr_status_t rv,
                           apr_pool_t *pool)
{
    char why[120];

    return apr_psprintf(pool, "cannot %s %s: %s", what, path,
                        apr_strerror(rv, why, sizeof(why)));
}

const char *oci_io_parent(const char *path, apr_pool_t *pool)
{
    const char *slash = strrchr(path, '/');

    return slash && slash > path ? apr_pstrmemdup(pool, path, slash - path)
                                 : "/";
}

apr_status_t oci_io_sync_dir(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    apr_status_t rv;

    if (fd == -1) {
        return errno;
    }
    /* EINVAL: this file system has nothing to sync in a directory. */
    rv = fsync(fd) == 0 || errno == EINVAL ? APR_SUCCESS : errno;
    close(fd);
    return rv;
}

int oci_io_open(const char *path, int flags)
{
    int fd;

    do {
        fd = open(path, flags | O_CLOEXEC, FILE_MODE);
    } while (fd == -1 && errno == EINTR);
    return fd;
}

const char *oci_io_check_file(const char *path, apr_pool_t *pool)
{
    struct stat st;

    if (lstat(path, &st)) {
        return errno == ENOENT ? NULL
                               : oci_io_failure("use", path, errno, pool);
    }
    if (S_ISREG(st.st_mode)) {
        return NULL;
    }
    return apr_psprintf(pool,
                        "%s is %s: expected a file; remove it, or configure "
                        "another path",
                        path,
                        S_ISLNK(st.st_mode) ? "a symbolic link" : "not a file");
}

const char *oci_io_make_file(const char *path, apr_pool_t *pool)
{
    int fd = oci_io_open(path, O_RDWR | O_CREAT | O_EXCL);

    if (fd != -1) {
        close(fd);
        return NULL;
    }
    return errno == EEXIST ? oci_io_check_file(path, pool)
                           : oci_io_failure("create", path, errno, pool);
}

apr_time_t oci_io_now(void)
{
#ifdef CLOCK_REALTIME_COARSE
    struct timespec now;

    if (!clock_gettime(CLOCK_REALTIME_COARSE, &now)) {
        return apr_time_make(now.tv_sec, now.tv_nsec / 1000);
    }
#endif
    return apr_time_now();
}

int oci_io_is_settled(const struct timespec *ctime, apr_time_t now)
{
    apr_time_t time = apr_time_make(ctime->tv_sec, ctime->tv_nsec / 1000);

    return time + (ctime->tv_nsec ? FINE_TICK : COARSE_TICK) < now;
}

#ifdef __linux__
/* The magic number of a file system; 0 if it is not known. */
static long type_of(const char *path)
{
    struct statfs fs;

    return statfs(path, &fs) ? 0 : (long)fs.f_type;
}

/* Whether an ext4 file system has a journal: it says which task writes the
 * journal, or that none does. */
static int ext4_has_journal(const char *path)
{
    char device[64], target[512], task[600], first = '\0';
    const char *name;
    struct stat st;
    ssize_t length;
    int fd;

    if (stat(path, &st)) {
        return 0;
    }
    snprintf(device, sizeof(device), "/sys/dev/block/%u:%u", major(st.st_dev),
             minor(st.st_dev));
    length = readlink(device, target, sizeof(target) - 1);
    target[length > 0 ? length : 0] = '\0';
    name = strrchr(target, '/');
    if (!name) {
        return 0;
    }
    snprintf(task, sizeof(task), "/sys/fs/ext4%s/journal_task", name);
    fd = oci_io_open(task, O_RDONLY);
    if (fd == -1) {
        return 0;
    }
    length = read(fd, &first, 1);
    close(fd);
    return length == 1 && apr_isdigit(first);
}

int oci_io_keeps_positions(const char *path)
{
    long type = type_of(path);

    return type == EXT4_SUPER_MAGIC || type == XFS_SUPER_MAGIC;
}

int oci_io_traits(const char *path)
{
    switch (type_of(path)) {
    case EXT4_SUPER_MAGIC:
        return OCI_IO_OWN_CLOCK
            | (ext4_has_journal(path) ? OCI_IO_JOURNAL | OCI_IO_LINKS : 0);
    case XFS_SUPER_MAGIC:
        return OCI_IO_OWN_CLOCK | OCI_IO_JOURNAL | OCI_IO_LINKS;
    case BTRFS_SUPER_MAGIC:
        return OCI_IO_OWN_CLOCK | OCI_IO_LINKS;
    case NFS_SUPER_MAGIC:
    case TMPFS_MAGIC:
        return OCI_IO_LINKS;
    default:
        return 0;
    }
}
#else
int oci_io_keeps_positions(const char *path)
{
    (void)path;
    return 0;
}

int oci_io_traits(const char *path)
{
    (void)path;
    return 0;
}
#endif

apr_status_t oci_io_write(int fd, const char *data, apr_size_t size)
{
    while (size) {
        ssize_t n = write(fd, data, size);

        if (n >= 0) {
            data += n;
            size -= n;
        }
        else if (errno != EINTR) {
            return errno;
        }
    }
    return APR_SUCCESS;
}

apr_status_t oci_io_copy(int to, int from, apr_off_t size, apr_pool_t *pool)
{
    char *buffer = apr_palloc(pool, COPY_BUFFER);
    apr_off_t offset = 0;
    apr_status_t rv = APR_SUCCESS;

    while (rv == APR_SUCCESS && offset < size) {
        size_t wanted = size - offset < COPY_BUFFER ? size - offset
                                                    : COPY_BUFFER;
        ssize_t n = pread(from, buffer, wanted, offset);

        if (n > 0) {
            rv = oci_io_write(to, buffer, n);
            offset += n;
        }
        else if (n == 0 || errno != EINTR) {
            rv = n == 0 ? APR_EOF : errno;
        }
    }
    return rv;
}

apr_status_t oci_io_flush(int fd, int durable)
{
    int copy;

    if (durable) {
        return fdatasync(fd) ? errno : APR_SUCCESS;
    }
    copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (copy == -1) {
        /* Without a free descriptor, a sync is the only other way to ask. */
        return fdatasync(fd) ? errno : APR_SUCCESS;
    }
    return close(copy) ? errno : APR_SUCCESS;
}

apr_status_t oci_io_read(oci_value_t *value, const char *path, apr_pool_t *pool)
{
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    apr_status_t rv = APR_SUCCESS;
    apr_size_t size = 0;
    struct stat st;
    char *data;

    if (fd == -1) {
        return errno;
    }
    if (fstat(fd, &st)) {
        rv = errno;
    }
    else if (!S_ISREG(st.st_mode)) {
        rv = ENOENT;
    }
    if (rv != APR_SUCCESS) {
        close(fd);
        return rv;
    }
    data = apr_palloc(pool, st.st_size + 1);
    while (rv == APR_SUCCESS && size < (apr_size_t)st.st_size) {
        ssize_t n = read(fd, data + size, st.st_size - size);

        if (n > 0) {
            size += n;
        }
        else if (n == 0 || errno != EINTR) {
            rv = n == 0 ? APR_EOF : errno;
        }
    }
    close(fd);
    data[size] = '\0';
    value->data = data;
    value->size = size;
    return rv;
}

int oci_io_no_links(apr_status_t rv)
{
    return rv == EPERM || rv == EOPNOTSUPP || rv == ENOSYS || rv == EMLINK;
}

apr_status_t oci_io_rename_new(const char **from, const char *to)
{
    apr_status_t rv = link(*from, to) ? errno : APR_SUCCESS;

#ifdef RENAME_NOREPLACE
    if (oci_io_no_links(rv)) {
        rv = renameat2(AT_FDCWD, *from, AT_FDCWD, to, RENAME_NOREPLACE)
            ? errno
            : APR_SUCCESS;
        if (rv == APR_SUCCESS) {
            *from = NULL;
        }
    }
#endif
    return rv;
}

void oci_io_remove_temporaries(const char *dir_path, const char *prefix,
                               apr_pool_t *pool)
{
    apr_time_t limit = apr_time_now() - TEMPORARY_LIFE;
    apr_finfo_t entry;
    apr_dir_t *dir;

    if (apr_dir_open(&dir, dir_path, pool) != APR_SUCCESS) {
        return;
    }
    while (apr_dir_read(&entry, APR_FINFO_NAME, dir) == APR_SUCCESS) {
        const char *path = apr_pstrcat(pool, dir_path, "/", entry.name, NULL);
        struct stat st;

        /* The ctime, because a new link has the mtime of its file. */
        if (!strncmp(entry.name, prefix, strlen(prefix)) && !lstat(path, &st)
            && !S_ISDIR(st.st_mode) && apr_time_from_sec(st.st_ctime) < limit) {
            unlink(path);
        }
    }
    apr_dir_close(dir);
}
