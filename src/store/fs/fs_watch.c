/* SPDX-License-Identifier: Apache-2.0 */

/* Reports of directory changes, by inotify(7).
 *
 * The kernel adds a report to the queue before the system call that changes the
 * directory returns.  So a reader that empties the queue knows every change
 * that was acknowledged before.  This holds only for file systems that no other
 * host changes. */

#include <errno.h>
#include <string.h>
#include <unistd.h>
#ifdef __linux__
#include <linux/magic.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/vfs.h>
#endif

#include "store/fs/fs_watch.h"

#ifdef __linux__

#ifndef F2FS_SUPER_MAGIC
#define F2FS_SUPER_MAGIC 0xF2F52010
#endif
#define ZFS_MAGIC 0x2FC12FC1 /* not in the kernel's headers */

#ifndef IN_MASK_CREATE
#define IN_MASK_CREATE 0x10000000 /* ignored by older kernels */
#endif
#define MASK                                                              \
    (IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF \
     | IN_MOVE_SELF | IN_ONLYDIR | IN_MASK_CREATE)

/* Return whether only this host changes a file system. */
static int is_local(const char *path)
{
    struct statfs fs;

    if (statfs(path, &fs)) {
        return 0;
    }
    switch ((unsigned long)fs.f_type & 0xffffffffUL) {
    case EXT4_SUPER_MAGIC: /* ext2 and ext3, too */
    case XFS_SUPER_MAGIC:
    case BTRFS_SUPER_MAGIC:
    case TMPFS_MAGIC:
    case F2FS_SUPER_MAGIC:
    case ZFS_MAGIC:
        return 1;
    default:
        return 0;
    }
}

apr_status_t oci_fs_watch_open(int *fd)
{
    *fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    return *fd == -1 ? errno : APR_SUCCESS;
}

apr_status_t oci_fs_watch_add(int *watch, int fd, const char *path)
{
    if (!is_local(path)) {
        return APR_ENOTIMPL;
    }
    *watch = inotify_add_watch(fd, path, MASK);
    return *watch == -1 ? errno : APR_SUCCESS;
}

void oci_fs_watch_remove(int fd, int watch)
{
    inotify_rm_watch(fd, watch);
}

static void handle_raw(const struct inotify_event *raw,
                       oci_fs_watch_handler_t *handle, void *data)
{
    oci_fs_watch_event_t event = { OCI_WATCH_LOST, raw->wd, "" };
    apr_size_t length = raw->len ? strnlen(raw->name, raw->len) : 0;

    if (raw->mask & IN_Q_OVERFLOW) {
        event.watch = OCI_WATCH_NONE;
    }
    else if (length && length + 2 <= sizeof(event.name)) {
        if (raw->mask & (IN_CREATE | IN_MOVED_TO)) {
            event.kind = OCI_WATCH_ADDED;
        }
        else if (raw->mask & (IN_DELETE | IN_MOVED_FROM)) {
            event.kind = OCI_WATCH_REMOVED;
        }
        memcpy(event.name, raw->name, length);
        if (raw->mask & IN_ISDIR) {
            event.name[length] = '/';
        }
    }
    handle(data, &event);
}

apr_status_t oci_fs_watch_read(int fd, oci_fs_watch_handler_t *handle,
                               void *data)
{
    union {
        struct inotify_event first;
        char bytes[16 * 1024];
    } buffer;
    ssize_t size;
    int left;

    /* Only what is in the queue now: other processes may add to it without
     * end. */
    if (ioctl(fd, FIONREAD, &left)) {
        return errno;
    }
    for (; left > 0; left -= size) {
        const char *at = buffer.bytes;

        do {
            size = read(fd, buffer.bytes, sizeof(buffer.bytes));
        } while (size < 0 && errno == EINTR);
        if (size <= 0) {
            return size < 0 && errno == EAGAIN ? APR_SUCCESS : APR_EGENERAL;
        }
        while (at < buffer.bytes + size) {
            const struct inotify_event *raw = (const void *)at;

            handle_raw(raw, handle, data);
            at += sizeof(*raw) + raw->len;
        }
    }
    return APR_SUCCESS;
}

#else

apr_status_t oci_fs_watch_open(int *fd)
{
    *fd = -1;
    return APR_ENOTIMPL;
}

apr_status_t oci_fs_watch_add(int *watch, int fd, const char *path)
{
    (void)fd;
    (void)path;
    *watch = OCI_WATCH_NONE;
    return APR_ENOTIMPL;
}

void oci_fs_watch_remove(int fd, int watch)
{
    (void)fd;
    (void)watch;
}

apr_status_t oci_fs_watch_read(int fd, oci_fs_watch_handler_t *handle,
                               void *data)
{
    (void)fd;
    (void)handle;
    (void)data;
    return APR_ENOTIMPL;
}

#endif
