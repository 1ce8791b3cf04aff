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
 * @file file_lock.h
 * @brief Named locks in a file, between threads and between processes
 */

#ifndef OCI_FILE_LOCK_H
#define OCI_FILE_LOCK_H

#include "mod_oci.h"

/**
 * Make a file that is there ready for locks, while there is room on the disk:
 * who first locks a name there would do it.
 * @return What the system said
 */
apr_status_t oci_file_prepare(const char *path, apr_pool_t *pool);

/**
 * Wait for a named lock, which ends with oci_file_unlock, with pool, and with
 * the process.
 * @param path The file, which is there, and is the same for all who lock
 * @return APR_TIMEUP after OCI_WAIT_FILE, with a sentence under OCI_REASON;
 *         or what the system said
 */
apr_status_t oci_file_lock(oci_lock_t **lock, const char *path,
                           const char *name, oci_lock_e kind,
                           apr_pool_t *pool);

/**
 * Wait for an exclusive lock with another limit; as above.
 * @param limit In microseconds
 */
apr_status_t oci_file_lock_within(oci_lock_t **lock, const char *path,
                                  const char *name,
                                  apr_interval_time_t limit,
                                  apr_pool_t *pool);

/**
 * Take a named lock that is free; as above.
 * @return APR_EBUSY where somebody has it
 */
apr_status_t oci_file_try_lock(oci_lock_t **lock, const char *path,
                               const char *name, apr_pool_t *pool);

/** Give a lock back. */
apr_status_t oci_file_unlock(oci_lock_t *lock);

#endif /* OCI_FILE_LOCK_H */
