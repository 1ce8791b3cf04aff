/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file fs_change.h
 * @brief How an "fs" index applies changes
 */

#ifndef OCI_FS_CHANGE_H
#define OCI_FS_CHANGE_H

#include "store/store_dir.h"

/** The longest value that is stored as the target of a symbolic link, bytes. */
#define OCI_TARGET_MAX 1023

/** Apply changes to the index at fs->top, as oci_index_provider_t's apply. */
apr_status_t oci_fs_change_apply(const oci_store_dir_t *fs,
                                 const oci_change_t *changes, int count,
                                 int durable, apr_pool_t *pool);

#endif /* OCI_FS_CHANGE_H */
