/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file fs_watch.h
 * @brief Reports of entries that are added to and removed from directories
 */

#ifndef OCI_FS_WATCH_H
#define OCI_FS_WATCH_H

#include "apr_errno.h"

#define OCI_WATCH_NONE (-1)

/** What happened in a watched directory. */
typedef enum {
    OCI_WATCH_ADDED,   /* an entry was added or replaced */
    OCI_WATCH_REMOVED, /* an entry was removed */
    OCI_WATCH_LOST /* reports are missing: of one directory, or of all if watch
                      is OCI_WATCH_NONE */
} oci_fs_watch_e;

typedef struct oci_fs_watch_event_t {
    oci_fs_watch_e kind;
    int watch;      /* the directory, by its number from oci_fs_watch_add */
    char name[257]; /* ends with "/" for a directory */
} oci_fs_watch_event_t;

/** Receives events in the order of the changes. */
typedef void oci_fs_watch_handler_t(void *data,
                                    const oci_fs_watch_event_t *event);

/**
 * Open a queue of reports.  It belongs to this process only: after fork(2) the
 * child closes its descriptor and opens a queue of its own.
 * @param fd Set to a descriptor that is closed on exec
 * @return APR_ENOTIMPL if the system has no such queues, or an errno
 */
apr_status_t oci_fs_watch_open(int *fd);

/**
 * Watch a directory.  Every change that returns to its caller after this call
 * is reported, in whichever process of this host it is made.
 * @param watch Set to the directory's number in this queue
 * @return APR_ENOTIMPL if its file system can change without a report, such as
 *         a network file system; or an errno
 */
apr_status_t oci_fs_watch_add(int *watch, int fd, const char *path);

/** Stop watching; events that were reported before may still arrive. */
void oci_fs_watch_remove(int fd, int watch);

/**
 * Handle the events so far, without waiting.
 * @return APR_SUCCESS, or an error after which the queue is unusable
 */
apr_status_t oci_fs_watch_read(int fd, oci_fs_watch_handler_t *handle,
                               void *data);

#endif /* OCI_FS_WATCH_H */
