/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file io.h
 * @brief Files and directories, with what APR leaves open of their durability
 *
 * A status of these functions is APR_SUCCESS or what the system said.
 */

#ifndef OCI_IO_H
#define OCI_IO_H

#include "mod_oci.h"

/** The sentence "cannot WHAT PATH: why", of a status or errno. */
const char *oci_io_failure(const char *what, const char *path, apr_status_t rv,
                           apr_pool_t *pool);

/** The folder in which an absolute path lies. */
const char *oci_io_parent(const char *path, apr_pool_t *pool);

/**
 * open(2), closed on exec.
 * @return The descriptor, or -1 with errno set
 */
int oci_io_open(const char *path, int flags);

/**
 * Make an empty file, unless one is there.
 * @return NULL, or a sentence that says what is wrong, such as a link in its
 *         place
 */
const char *oci_io_make_file(const char *path, apr_pool_t *pool);

/**
 * Refuse a path that exists and is not a file: a link may lead anywhere.
 * @return NULL, or a sentence
 */
const char *oci_io_check_file(const char *path, apr_pool_t *pool);

/**
 * Sync a folder: what entries it has.  After a failure it may be tried again:
 * a file system with a journal keeps such changes until they are written, or
 * takes no more, unlike the bytes of a file, which it drops.
 */
apr_status_t oci_io_sync_dir(const char *path);

/**
 * Whether the file system of a path is orderly: what is synced there brings
 * all earlier changes with it, and an entry stays where it is in its folder
 * when a rename gives its name to something else.  So are ext4 and XFS, but
 * not btrfs; of others that is not known.
 */
int oci_io_is_orderly(const char *path);

/** Write size bytes, all or an error. */
apr_status_t oci_io_write(int fd, const char *data, apr_size_t size);

/**
 * Learn whether what was written to a file can be kept: some file systems,
 * such as NFS, tell of a full disk or quota no sooner than in a sync or when
 * a descriptor is closed.
 * @param durable Whether it is to be synced, too
 */
apr_status_t oci_io_flush(int fd, int durable);

/**
 * Read a whole file.
 * @return ELOOP where it is a symbolic link, ENOENT where it is no file
 */
apr_status_t oci_io_read(oci_value_t *value, const char *path,
                         apr_pool_t *pool);

/** Whether a status of link(2) means that links do not exist here. */
int oci_io_no_links(apr_status_t rv);

/**
 * Give a file another name, unless something has it.
 * @param from Set to NULL where the first name has gone
 * @return EEXIST where something has it
 */
apr_status_t oci_io_rename_new(const char **from, const char *to);

/**
 * Remove what killed processes left in a folder of temporaries.
 * @param prefix What the names of temporaries begin with
 */
void oci_io_remove_temporaries(const char *folder, const char *prefix,
                               apr_pool_t *pool);

#endif /* OCI_IO_H */
