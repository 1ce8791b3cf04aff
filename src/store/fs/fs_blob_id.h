/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file fs_blob_id.h
 * @brief The id of a blob store in a folder
 */

#ifndef OCI_FS_BLOB_ID_H
#define OCI_FS_BLOB_ID_H

#include "store/store_dir.h"

/**
 * Read the id of a blob store, the first line of the file ".id" in its top
 * folder.
 * @param make Whether to make one where there is none
 * @return APR_NOTFOUND where the store is in its place and has none
 */
apr_status_t oci_fs_blob_id(const char **id, const oci_store_dir_t *fs,
                            int make, apr_pool_t *pool);

#endif /* OCI_FS_BLOB_ID_H */
