/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file fs_change.h
 * @brief How the index "fs" changes
 */

#ifndef OCI_FS_CHANGE_H
#define OCI_FS_CHANGE_H

#include "store/store_dir.h"

/** The longest value that is kept as a symbolic link's target (bytes). */
#define OCI_TARGET_MAX 1023

/** oci_index_provider_t's apply, in an index that lies at fs->top. */
apr_status_t oci_fs_change_apply(const oci_store_dir_t *fs,
                                 const oci_change_t *changes, int count,
                                 int durable, apr_pool_t *pool);

#endif /* OCI_FS_CHANGE_H */
