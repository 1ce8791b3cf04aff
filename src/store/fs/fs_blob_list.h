/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file fs_blob_list.h
 * @brief Lists what an "fs" blob store holds
 */

#ifndef OCI_FS_BLOB_LIST_H
#define OCI_FS_BLOB_LIST_H

#include "store/store_dir.h"

/** A part of the blobs, or uploads, of a store. */
typedef struct oci_fs_blob_range_t {
    oci_stored_e kind;
    const char *after; /* only names greater than this one, or NULL */
    int limit;         /* the maximum number of entries, at least 1 */
} oci_fs_blob_range_t;

/**
 * List blobs or uploads, as "list" of a blob store in mod_oci.h says.  No
 * symbolic link below the store's directory is followed.
 * @param entries Set to an array of oci_stored_t, in bytewise order of the
 * names
 * @return APR_SUCCESS or an errno
 */
apr_status_t oci_fs_blob_list(apr_array_header_t **entries,
                              const oci_store_dir_t *fs,
                              const oci_fs_blob_range_t *range,
                              apr_pool_t *pool);

#endif /* OCI_FS_BLOB_LIST_H */
