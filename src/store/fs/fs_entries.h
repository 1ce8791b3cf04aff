/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file fs_entries.h
 * @brief The entries of a directory
 *
 * Names that begin with "." are left out, unless a function says otherwise; the
 * names of directories end with "/". Functions that return a status return
 * APR_SUCCESS, a status that they list, or an errno.
 */

#ifndef OCI_FS_ENTRIES_H
#define OCI_FS_ENTRIES_H

#include <sys/stat.h>

#include "apr_errno.h"
#include "apr_pools.h"

/** The names in a directory. */
typedef struct oci_fs_entries_t {
    const char **names; /* in bytewise order, without duplicates */
    int count;
    int partial; /* there are more names than the limit */
    int settled; /* the names are valid as long as the directory has the ctime
                    of status */
    struct stat status; /* of the directory, before it was read */
} oci_fs_entries_t;

/**
 * Read a directory that may change meanwhile.  Every name that exists during
 * the whole call is found.
 * @param entries Set to the names, allocated from pool
 * @param most Stop after this many names and set partial; 0: no limit
 */
apr_status_t oci_fs_entries_read(oci_fs_entries_t *entries, const char *path,
                                 int most, apr_pool_t *pool);

/**
 * Read a directory that may change meanwhile, with the names that begin with
 * ".": they are given without the ".", so that a file and its temporary are one
 * name.
 */
apr_status_t oci_fs_entries_read_temporaries(oci_fs_entries_t *entries,
                                             const char *path,
                                             apr_pool_t *pool);

/**
 * Read a directory once.  A name over which a file is renamed meanwhile may be
 * missing, unless its file system keeps positions (see oci_io_keeps_positions).
 */
apr_status_t oci_fs_entries_read_once(oci_fs_entries_t *entries,
                                      const char *path, apr_pool_t *pool);

/**
 * Called for an entry that is not a directory.
 * @param pool For temporary data of this call
 * @return Anything but APR_SUCCESS ends the visits
 */
typedef apr_status_t oci_fs_entry_visit_t(void *baton, apr_pool_t *pool);

/**
 * Visit all entries below a directory that are not directories, while it is
 * read.  A name over which a file is renamed meanwhile may be missing, or be
 * visited twice, unless its file system keeps positions (see
 * oci_io_keeps_positions).
 * @param path The directory; ends with "/". Has the path of the entry during
 *        visit, and after it if it ends the visits
 * @param room The size of path, bytes
 * @param visit Called for each entry
 * @param pool Scratch
 * @return ENOENT or ENOTDIR if there is no such directory, APR_ENAMETOOLONG,
 *         another status of the system, or that of visit
 */
apr_status_t oci_fs_entries_visit(char *path, apr_size_t room,
                                  oci_fs_entry_visit_t *visit, void *baton,
                                  apr_pool_t *pool);

#endif /* OCI_FS_ENTRIES_H */
