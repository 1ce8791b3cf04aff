/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file fs_entries.h
 * @brief What entries a directory has
 *
 * Names that begin with "." are left out; those of directories end with "/".
 * A status is APR_SUCCESS or what the system said.
 */

#ifndef OCI_FS_ENTRIES_H
#define OCI_FS_ENTRIES_H

#include <sys/stat.h>

#include "apr_errno.h"
#include "apr_pools.h"

/** A directory's names. */
typedef struct oci_fs_entries_t {
    const char **names; /* bytewise order, each once */
    int count;
    int partial;        /* there are more names than were wanted */
    int settled;        /* as long as its ctime is that of status, the
                           directory has these names */
    struct stat status; /* before the reading that gave the names */
} oci_fs_entries_t;

/**
 * Read a directory that others may change meanwhile: all that is there all
 * the time is among the names.
 * @param most With more names than this, stop and set partial; 0: no limit
 */
apr_status_t oci_fs_entries_read(oci_fs_entries_t *folder, const char *path,
                                 int most, apr_pool_t *pool);

/** Read a directory once: where its file system is not orderly, a name that
 * is renamed over meanwhile may be missing. */
apr_status_t oci_fs_entries_read_once(oci_fs_entries_t *folder,
                                      const char *path, apr_pool_t *pool);

/**
 * Find any entry below a directory that is not a directory itself.  No more
 * is read than that takes.
 * @param path The directory; ends with "/".  Receives the entry's path
 * @param room Bytes that path has
 * @return APR_NOTFOUND where there is none, APR_ENAMETOOLONG
 */
apr_status_t oci_fs_entries_find(char *path, apr_size_t room, apr_pool_t *pool);

#endif /* OCI_FS_ENTRIES_H */
