/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file fs_blobs.h
 * @brief The blob store "fs": blobs are files in a directory
 */

#ifndef OCI_FS_BLOBS_H
#define OCI_FS_BLOBS_H

#include "mod_oci.h"

extern const oci_blob_store_provider_t oci_blob_fs;

#endif /* OCI_FS_BLOBS_H */
