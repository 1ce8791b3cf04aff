/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file fs_blob_delete.h
 * @brief Deletes blobs of an "fs" blob store
 */

#ifndef OCI_FS_BLOB_DELETE_H
#define OCI_FS_BLOB_DELETE_H

#include "mod_oci.h"
#include "store/store_dir.h"

/**
 * Delete a blob, as blob_delete of oci_blob_store_provider_t does.
 * @param path The absolute path of the blob
 */
apr_status_t oci_fs_blob_delete(const oci_store_dir_t *fs, const char *path,
                                const oci_confirm_t *confirm, apr_pool_t *pool);

/**
 * Put back a blob whose deletion was not confirmed, unless its file was written
 * again meanwhile.
 * @param path The absolute path of the blob
 * @param hidden That of the renamed file
 * @return APR_NOTFOUND if the renamed file is gone
 */
apr_status_t oci_fs_blob_restore(const oci_store_dir_t *fs, const char *path,
                                 const char *hidden);

#endif /* OCI_FS_BLOB_DELETE_H */
