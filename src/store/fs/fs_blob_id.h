/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file fs_blob_id.h
 * @brief The id of an "fs" blob store
 */

#ifndef OCI_FS_BLOB_ID_H
#define OCI_FS_BLOB_ID_H

#include "store/store_dir.h"

/**
 * Read the id of a blob store: the first line of the file ".id" in its top
 * directory.
 * @param id Set to the id, allocated from pool
 * @param make Whether to create an id if there is none
 * @return APR_NOTFOUND if the store is in its place and has no id, EINVAL if
 *         the file does not hold an id, or an errno
 */
apr_status_t oci_fs_blob_id(const char **id, const oci_store_dir_t *fs,
                            int make, apr_pool_t *pool);

/**
 * Change the id of a blob store, as durably as it was created.
 * @param id Set to the id afterwards, NULL if there is none
 * @param old Change it only if this is the id, or if there is none for NULL
 * @param id_new The new id
 * @return As oci_fs_blob_id, but APR_SUCCESS without an id
 */
apr_status_t oci_fs_blob_change_id(const char **id, const oci_store_dir_t *fs,
                                   const char *old, const char *id_new,
                                   apr_pool_t *pool);

/**
 * Read, or change, the id of the index that a blob store belongs to: the first
 * line of the file ".index" in its top directory.
 * @param owner Set to the id afterwards, NULL if there is none
 * @param old Change it only if this is the id, or if there is none for NULL
 * @param owner_new The new id, or NULL to read only
 * @return As oci_fs_blob_id, but APR_SUCCESS without an id
 */
apr_status_t oci_fs_blob_owner(const char **owner, const oci_store_dir_t *fs,
                               const char *old, const char *owner_new,
                               apr_pool_t *pool);

#endif /* OCI_FS_BLOB_ID_H */
