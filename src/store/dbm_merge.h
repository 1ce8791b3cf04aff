/* Licensed under the Apache License, Version 2.0 (the "License"); you may
 * not use this file except in compliance with the License.  You may obtain
 * a copy of the License at http://www.apache.org/licenses/LICENSE-2.0
 *
 * Unless required by applicable law or agreed to in writing, software
 * distributed under the License is distributed on an "AS IS" BASIS,
 * WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
 * See the License for the specific language governing permissions and
 * limitations under the License.
 */

/**
 * @file dbm_merge.h
 * @brief How an index "dbm" makes a new snapshot
 */

#ifndef OCI_DBM_MERGE_H
#define OCI_DBM_MERGE_H

#include "store/dbm_view.h"

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
