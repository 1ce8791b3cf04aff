/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file io.h
 * @brief Files and directories, with the durability that APR does not promise
 *
 * Functions that return a status return APR_SUCCESS or an errno.
 */

#ifndef OCI_IO_H
#define OCI_IO_H

#include "mod_oci.h"

/** Format the sentence "cannot WHAT PATH: why" for a status or errno. */
const char *oci_io_failure(const char *what, const char *path, apr_status_t rv,
                           apr_pool_t *pool);

/** Return the parent directory of an absolute path. */
const char *oci_io_parent(const char *path, apr_pool_t *pool);

/**
 * Call open(2) with close-on-exec, mode 0640, and retry on EINTR.
 * @return The descriptor, or -1 with errno set
 */
int oci_io_open(const char *path, int flags);

/**
 * Create an empty file unless it exists.
 * @return NULL, or a sentence that says what is wrong, such as that the path is
 *         a link
 */
const char *oci_io_make_file(const char *path, apr_pool_t *pool);

/**
 * Refuse a path that exists and is not a regular file: a link may lead
 * anywhere.
 * @return NULL, or a sentence that says what is wrong
 */
const char *oci_io_check_file(const char *path, apr_pool_t *pool);

/**
 * Sync a directory, which makes changes of its entries durable.  A failed sync
 * may be repeated: a file system with a journal keeps such changes until they
 * are written, or refuses further ones.  The content of files is different: it
 * is dropped after a failed sync.
 */
apr_status_t oci_io_sync_dir(const char *path);

/**
 * The time by the clock of file systems, which may be behind that of
 * apr_time_now by a tick or two.
 */
apr_time_t oci_io_now(void);

/**
 * Whether each change after now sets another ctime than this, in spite of the
 * ticks of clocks.
 * @param ctime Of a file
 * @param now What oci_io_now returned before the ctime was read
 */
int oci_io_is_settled(const struct timespec *ctime, apr_time_t now);

/**
 * Whether an entry of a directory keeps its position when a file is renamed
 * over it, so that a reader of the directory does not miss it.  This is so in
 * ext4 and XFS, not in btrfs; in other file systems it is taken as not so.
 */
int oci_io_keeps_positions(const char *path);

/** What is known of a file system. */
typedef enum {
    /** It has a journal that keeps the order of all changes of directories, so
     * that a sync of the directory that was changed last makes the changes of
     * others before it durable, too.  XFS has one, and ext4 if the kernel tells
     * so, because it can be created without.  The content of files is not part
     * of it. */
    OCI_IO_JOURNAL = 1,
    /** A sync of a directory makes its new symbolic links durable, as in those
     * that have a journal, btrfs, NFS and tmpfs.  In ext4 without a journal it
     * writes their names only, and only a sync of the whole file system writes
     * the links; others, such as overlayfs, may have that below them. */
    OCI_IO_LINKS = 2,
    /** It takes times from this host's clock, as ext4, XFS and btrfs do. */
    OCI_IO_OWN_CLOCK = 4
} oci_io_trait_e;

/** Return the traits, of oci_io_trait_e, of the file system of a path. */
int oci_io_traits(const char *path);

/** Write all of size bytes, or return an error. */
apr_status_t oci_io_write(int fd, const char *data, apr_size_t size);

/**
 * Copy the first size bytes of a file to the position of another.
 * @param pool For the buffer
 * @return APR_EOF if the file is shorter
 */
apr_status_t oci_io_copy(int to, int from, apr_off_t size, apr_pool_t *pool);

/**
 * Learn whether the bytes written to a file can be kept: some file systems,
 * such as NFS, report a full disk or quota only in a sync or when a descriptor
 * is closed.
 * @param durable Whether to sync the file, too
 */
apr_status_t oci_io_flush(int fd, int durable);

/**
 * Read a whole file.
 * @param value Set to the content, allocated from pool, with a NUL after it
 * @return ELOOP if it is a symbolic link, ENOENT if it is not a regular file,
 *         APR_EOF if it became shorter meanwhile
 */
apr_status_t oci_io_read(oci_value_t *value, const char *path,
                         apr_pool_t *pool);

/**
 * Whether an error of link(2) means that the file system, or this file, cannot
 * have another link.
 */
int oci_io_no_links(apr_status_t rv);

/**
 * Give a file another name, unless that name exists.  The old name stays where
 * links are possible.
 * @param from Set to NULL if the old name no longer exists
 * @return EEXIST if the new name exists
 */
apr_status_t oci_io_rename_new(const char **from, const char *to);

/**
 * Remove temporary files that killed processes left in a directory: those older
 * than an hour.
 * @param prefix The prefix of the names of temporary files
 */
void oci_io_remove_temporaries(const char *dir_path, const char *prefix,
                               apr_pool_t *pool);

#endif /* OCI_IO_H */
