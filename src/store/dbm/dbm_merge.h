/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file dbm_merge.h
 * @brief How a "dbm" index merges its logs into a new snapshot
 */

#ifndef OCI_DBM_MERGE_H
#define OCI_DBM_MERGE_H

#include "store/dbm/dbm_view.h"

/**
 * The size of all logs at which a merge no longer waits for the caller's locks,
 * bytes.  Otherwise many changes under one lock would fill the memory.
 */
#define OCI_DBM_MERGE_FORCED (64 * 1024 * 1024)

/** Return the size of the last log at which a merge is due, bytes. */
apr_off_t oci_dbm_merge_limit(const oci_dbm_view_t *view);

/** Return the total size of the logs that a merge would read, bytes. */
apr_off_t oci_dbm_merge_bytes(const oci_dbm_view_t *view);

/**
 * Begin a new log, and merge FILE and the logs before it into a snapshot that
 * replaces FILE.
 * @param bytes The result of oci_dbm_merge_bytes, approximately
 * @param pool Scratch
 * @return APR_EBUSY if another process is merging, or has just merged; or
 *         another error.  No error loses data.
 */
apr_status_t oci_dbm_merge(const oci_dbm_t *dbm, apr_off_t bytes,
                           apr_pool_t *pool);

#endif /* OCI_DBM_MERGE_H */
