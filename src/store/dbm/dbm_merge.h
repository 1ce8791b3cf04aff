/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file dbm_merge.h
 * @brief How an index "dbm" makes a new snapshot
 */

#ifndef OCI_DBM_MERGE_H
#define OCI_DBM_MERGE_H

#include "store/dbm/dbm_view.h"

/** How long the logs are, in bytes, when a merge waits for locks no more: who
 * makes many changes under one lock would fill the memory with them. */
#define OCI_DBM_MERGE_LATEST (64 * 1024 * 1024)

/** How long the last log may become, bytes. */
apr_off_t oci_dbm_merge_limit(const oci_dbm_view_t *view);

/** How long all logs are that a merge would read, bytes. */
apr_off_t oci_dbm_merge_bytes(const oci_dbm_view_t *view);

/**
 * Begin a new log, and make of FILE and the logs before it a snapshot that
 * takes FILE's place.
 * @param bytes That of oci_dbm_merge_bytes, about
 * @return APR_EBUSY where another process is at it, or has been; or why it
 *         failed.  In no case is anything lost.
 */
apr_status_t oci_dbm_merge(const oci_dbm_t *dbm, apr_off_t bytes,
                           apr_pool_t *pool);

#endif /* OCI_DBM_MERGE_H */
