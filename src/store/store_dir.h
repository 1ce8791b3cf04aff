/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file store_dir.h
 * @brief What the providers that keep a store in a folder have in common
 *
 * A store has a top folder below DIR, its location.  In it lies ".version",
 * one line that says what the folder is: it is written last when a store is
 * made, and its absence later means that the store was moved away.  Files
 * are made with mode 0640 and folders with 0750, less the umask; io.h has
 * the functions for both.
 *
 * A status of these functions is APR_SUCCESS or what the system said.
 */

#ifndef OCI_STORE_DIR_H
#define OCI_STORE_DIR_H

#include "store/io.h"

/** Where a store lies. */
typedef struct oci_store_dir_t {
    const char *root;    /* DIR, absolute */
    const char *top;     /* DIR/name */
    const char *version; /* DIR/name/.version */
} oci_store_dir_t;

/**
 * The absolute path of a configuration's location, which is not empty.
 * @param path Set to it; does not end with "/"
 * @return NULL, or a sentence that says what is wrong
 */
const char *oci_store_dir_resolve(const char **path,
                                  const oci_store_config_t *config,
                                  apr_pool_t *pool);

/**
 * Find a store's place; the disk is not touched.
 * @param name The top folder's name
 * @return NULL, or a sentence that says what is wrong
 */
const char *oci_store_dir_locate(oci_store_dir_t *fs,
                                 const oci_store_config_t *config,
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
const char *oci_store_dir_start(const oci_store_dir_t *fs,
                                const char *const *folders, const char *what,
                                apr_pool_t *pool);

/**
 * Make the folders of a file that lies below the top folder.
 * @param touched Receives the folders that got a new entry; or NULL
 */
apr_status_t oci_store_dir_make_parents(const oci_store_dir_t *fs,
                                        const char *path,
                                        apr_array_header_t *touched,
                                        apr_pool_t *pool);

/** Add the folder of a path to an array of them, unless it is there. */
void oci_store_dir_touch(apr_array_header_t *touched, const char *path,
                         apr_pool_t *pool);

/**
 * Sync folders in their order.  For one that is gone the nearest above it
 * that is still there is synced, where its removal is recorded.
 */
apr_status_t oci_store_dir_sync(const oci_store_dir_t *fs,
                                const apr_array_header_t *touched,
                                apr_pool_t *pool);

/**
 * Judge why a path of the store is not there.
 * @param rv What the system said
 * @return APR_NOTFOUND where rv means absence and the store is in its place
 */
apr_status_t oci_store_dir_absent(const oci_store_dir_t *fs, apr_status_t rv);

#endif /* OCI_STORE_DIR_H */
