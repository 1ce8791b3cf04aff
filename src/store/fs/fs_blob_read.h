/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file fs_blob_read.h
 * @brief Locators of an "fs" blob store, and how blobs are read
 */

#ifndef OCI_FS_BLOB_READ_H
#define OCI_FS_BLOB_READ_H

#include "mod_oci.h"
#include "store/store_dir.h"

/**
 * Return the locator of a digest: "blobs/<algorithm>/<first two digits>/<all
 * digits>".
 */
const char *oci_fs_locator(const char *digest, apr_pool_t *pool);

/**
 * Return the path of a blob.
 * @return NULL for a locator that oci_fs_locator never makes: it might lead out
 *         of the store's directory
 */
const char *oci_fs_blob_path(const oci_store_dir_t *fs, const char *locator,
                             apr_pool_t *pool);

/** Open a blob, as blob_open of oci_blob_store_provider_t does. */
apr_status_t oci_fs_blob_open(oci_blob_source_t *source,
                              const oci_store_dir_t *fs, const char *locator,
                              apr_int32_t flags, apr_pool_t *pool);

/** Get the size of a blob, as blob_size of oci_blob_store_provider_t does. */
apr_status_t oci_fs_blob_size(apr_off_t *size, const oci_store_dir_t *fs,
                              const char *locator, apr_pool_t *pool);

#endif /* OCI_FS_BLOB_READ_H */
