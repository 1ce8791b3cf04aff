/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file fs_blobs.h
 * @brief The blob store "fs": blobs are files in a directory
 */

#ifndef OCI_FS_BLOBS_H
#define OCI_FS_BLOBS_H

#include "store/store_dir.h"

extern const oci_blob_store_provider_t oci_blob_fs;

/** Return the paths of a blob store "fs"; NULL for a store of another kind. */
const oci_store_dir_t *oci_fs_blobs_dir(const oci_blob_store_t *store);

#endif /* OCI_FS_BLOBS_H */
