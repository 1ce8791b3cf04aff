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
 * @file dbm_lock.h
 * @brief The named locks of an index "dbm", and merges that wait for them
 */

#ifndef OCI_DBM_LOCK_H
#define OCI_DBM_LOCK_H

#include "store/dbm_view.h"

/** As the provider's lock. */
apr_status_t oci_dbm_lock(oci_lock_t **lock, const oci_dbm_t *dbm,
                          const char *name, oci_lock_e kind,
                          apr_pool_t *pool);

/** As the provider's unlock; does the merge that waited for it. */
apr_status_t oci_dbm_unlock(oci_lock_t *lock);

/**
 * Merge as soon as the caller holds no named lock of this index: others would
 * wait for all of the merge.
 * @param bytes As for oci_dbm_merge
 * @param pool The caller's, from which its locks are known
 */
void oci_dbm_merge_unlocked(const oci_dbm_t *dbm, apr_off_t bytes,
                            apr_pool_t *pool);

#endif /* OCI_DBM_LOCK_H */
