/* Licensed under the Apache License, Version 2.0 (the "License"); you may
 * not use this file except in compliance with the License.  You may obtain
 * a copy of the License at http://www.apache.org/licenses/LICENSE-2.0
 *
 * Unless required by applicable law or agreed to in writing, software
 * distributed under the License is distributed on an "AS IS" BASIS,
 * WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
 * See the License for the specific language governing permissions and
 * limitations under the License.
 */

/**
 * @file fs.h
 * @brief What the providers that keep a store in a folder have in common
 *
 * A store has a top folder below DIR, its location.  In it lies ".version",
 * one line that says what the folder is: it is written last when a store is
 * made, and its absence later means that the store was moved away.  Files
 * are made with mode 0640 and folders with 0750, less the umask.
 *
 * A status of these functions is APR_SUCCESS or what the system said.
 */

#ifndef OCI_FS_H
#define OCI_FS_H

#include "mod_oci.h"

/** Where a store lies. */
typedef struct oci_fs_t {
    const char *root;      /* DIR, absolute */
    const char *top;       /* DIR/name */
    const char *version;   /* DIR/name/.version */
} oci_fs_t;

/**
 * The absolute path of a configuration's location, which is not empty.
 * @param path Set to it; does not end with "/"
 * @return NULL, or a sentence that says what is wrong
 */
const char *oci_fs_resolve(const char **path,
                           const oci_store_config_t *config,
                           apr_pool_t *pool);

/** The sentence "cannot WHAT PATH: why", of a status or errno. */
const char *oci_fs_failure(const char *what, const char *path,
                           apr_status_t rv, apr_pool_t *pool);

/** The folder in which an absolute path lies. */
const char *oci_fs_folder_of(const char *path, apr_pool_t *pool);

/**
 * Find a store's place; the disk is not touched.
 * @param name The top folder's name
 * @return NULL, or a sentence that says what is wrong
 */
const char *oci_fs_locate(oci_fs_t *fs, const oci_store_config_t *config,
                          const char *name, apr_pool_t *pool);

/**
 * Make what is missing of a store's folders, and its version file, or check
 * that they are ours.  DIR's own parent must be there.  All is done with the
 * rights of the effective user; root as the real user helps to make folders
 * where only root may, as oci_owner_make_folder allows.  DIR may be a link;
 * nothing below it may.
 * @param folders Paths relative to DIR, parents first, ended by NULL; the
 *        top folder is among them
 * @param what The version file's words before the number, which is 1
 * @return NULL, or a sentence that says what is wrong
 */
const char *oci_fs_start(const oci_fs_t *fs, const char *const *folders,
                         const char *what, apr_pool_t *pool);

/**
 * open(2), closed on exec.
 * @return The descriptor, or -1 with errno set
 */
int oci_fs_open(const char *path, int flags);

/**
 * Make an empty file, unless one is there.
 * @return NULL, or a sentence that says what is wrong, such as a link in its
 *         place
 */
const char *oci_fs_make_file(const char *path, apr_pool_t *pool);

/**
 * Refuse a path that exists and is not a file: a link may lead anywhere.
 * @return NULL, or a sentence
 */
const char *oci_fs_check_file(const char *path, apr_pool_t *pool);

/**
 * Make the folders of a file that lies below the top folder.
 * @param touched Receives the folders that got a new entry; or NULL
 */
apr_status_t oci_fs_make_folders(const oci_fs_t *fs, const char *path,
                                 apr_array_header_t *touched,
                                 apr_pool_t *pool);

/** Add the folder of a path to an array of them, unless it is there. */
void oci_fs_touch(apr_array_header_t *touched, const char *path,
                  apr_pool_t *pool);

/**
 * Sync a folder: what entries it has.  After a failure it may be tried again:
 * a file system with a journal keeps such changes until they are written, or
 * takes no more, unlike the bytes of a file, which it drops.
 */
apr_status_t oci_fs_sync_folder(const char *path);

/**
 * Sync folders in their order.  For one that is gone the nearest above it
 * that is still there is synced, where its removal is recorded.
 */
apr_status_t oci_fs_sync(const oci_fs_t *fs,
                         const apr_array_header_t *touched,
                         apr_pool_t *pool);

/**
 * Whether the file system of a path is orderly: what is synced there brings
 * all earlier changes with it, and an entry stays where it is in its folder
 * when a rename gives its name to something else.  So are ext4 and XFS, but
 * not btrfs; of others that is not known.
 */
int oci_fs_is_orderly(const char *path);

/** Write size bytes, all or an error. */
apr_status_t oci_fs_write(int fd, const char *data, apr_size_t size);

/**
 * Learn whether what was written to a file can be kept: some file systems,
 * such as NFS, tell of a full disk or quota no sooner than in a sync or when
 * a descriptor is closed.
 * @param durable Whether it is to be synced, too
 */
apr_status_t oci_fs_flush(int fd, int durable);

/**
 * Read a whole file.
 * @return ELOOP where it is a symbolic link, ENOENT where it is no file
 */
apr_status_t oci_fs_read(oci_value_t *value, const char *path,
                         apr_pool_t *pool);

/**
 * Judge why a path of the store is not there.
 * @param rv What the system said
 * @return APR_NOTFOUND where rv means absence and the store is in its place
 */
apr_status_t oci_fs_absent(const oci_fs_t *fs, apr_status_t rv);

/** Whether a status of link(2) means that links do not exist here. */
int oci_fs_no_links(apr_status_t rv);

/**
 * Give a file another name, unless something has it.
 * @param from Set to NULL where the first name has gone
 * @return EEXIST where something has it
 */
apr_status_t oci_fs_rename_new(const char **from, const char *to);

/**
 * Remove what killed processes left in a folder of temporaries.
 * @param prefix What the names of temporaries begin with
 */
void oci_fs_sweep(const char *folder, const char *prefix, apr_pool_t *pool);

#endif /* OCI_FS_H */
