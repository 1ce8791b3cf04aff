/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file fs_watch.h
 * @brief Reports of the entries that come and go in directories
 */

#ifndef OCI_FS_WATCH_H
#define OCI_FS_WATCH_H

#include "apr_errno.h"

#define OCI_WATCH_NONE (-1)

/** What happened in a watched directory. */
typedef enum {
    OCI_WATCH_ADDED,   /* an entry is there, or was replaced */
    OCI_WATCH_REMOVED, /* an entry is gone */
    OCI_WATCH_LOST     /* reports are missing: of one directory, or of
                          all of them where watch is OCI_WATCH_NONE */
} oci_fs_watch_e;

typedef struct oci_fs_watch_event_t {
    oci_fs_watch_e kind;
    int watch;      /* the directory, as oci_fs_watch_add numbered it */
    char name[257]; /* that of a directory ends with "/" */
} oci_fs_watch_event_t;

/** Receives events in the order in which the entries changed. */
typedef void oci_fs_watch_handler_t(void *data,
                                    const oci_fs_watch_event_t *event);

/**
 * Open a queue of reports.  It belongs to this process alone: after fork(2)
 * the child closes its descriptor and opens a queue of its own.
 * @param fd Set to a descriptor that is closed on exec
 * @return APR_ENOTIMPL where the system has none, or what the system said
 */
apr_status_t oci_fs_watch_open(int *fd);

/**
 * Watch a directory.  Every change that returns to its caller after this is
 * reported, by whichever process of this host it is made.
 * @param watch Set to the directory's number in this queue
 * @return APR_ENOTIMPL where its file system may change without a report,
 *         such as one on the network; or what the system said
 */
apr_status_t oci_fs_watch_add(int *watch, int fd, const char *path);

/** Stop watching; events that were reported already may still come. */
void oci_fs_watch_remove(int fd, int watch);

/**
 * Handle what was reported so far; does not wait.
 * @return APR_SUCCESS, or an error after which the queue is of no use
 */
apr_status_t oci_fs_watch_read(int fd, oci_fs_watch_handler_t *handle,
                               void *data);

#endif /* OCI_FS_WATCH_H */
