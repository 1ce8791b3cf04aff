/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file disk_usage.h
 * @brief What the files of a directory take on the disk
 */

#ifndef OCI_DISK_USAGE_H
#define OCI_DISK_USAGE_H

#include "apr_errno.h"
#include "apr_pools.h"

typedef struct oci_disk_usage_t {
    apr_uint64_t bytes; /* of the disk's blocks */
    apr_uint64_t idle;  /* those of files that have not changed since a time */
} oci_disk_usage_t;

/**
 * Add up the files below a directory.  No symbolic link is followed; what goes
 * meanwhile is left out.
 * @param usage Added to
 * @param since Files that were changed before this time are idle, in seconds
 *        since 1970
 * @param pool For temporary data
 * @return An errno if a directory cannot be read; APR_SUCCESS also if the first
 *         one does not exist
 */
apr_status_t oci_disk_usage_add(oci_disk_usage_t *usage, const char *path,
                                apr_int64_t since, apr_pool_t *pool);

#endif /* OCI_DISK_USAGE_H */
