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

#endif /* OCI_FS_BLOB_ID_H */
