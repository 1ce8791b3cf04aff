/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file fs_index.h
 * @brief The index "fs": a fact is an entry of a directory
 */

#ifndef OCI_FS_INDEX_H
#define OCI_FS_INDEX_H

#include "mod_oci.h"

extern const oci_index_provider_t oci_index_fs;

#endif /* OCI_FS_INDEX_H */
