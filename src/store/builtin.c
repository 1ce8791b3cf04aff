/* SPDX-License-Identifier: Apache-2.0 */

/* The providers that are part of the module and of its tools. */

#include "store/fs/fs_blobs.h"
#include "store/builtin.h"
#include "store/dbd/dbd_index.h"
#include "store/dbm/dbm_index.h"
#include "store/fs/fs_index.h"

const oci_builtin_t oci_builtins[] = {
    { OCI_BLOB_STORE_GROUP, "fs", &oci_blob_fs },
    { OCI_INDEX_GROUP, "dbd", &oci_index_dbd },
    { OCI_INDEX_GROUP, "dbm", &oci_index_dbm },
    { OCI_INDEX_GROUP, "fs", &oci_index_fs },
    { NULL, NULL, NULL },
};
