/* SPDX-License-Identifier: Apache-2.0 */

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
apr_status_t oci_file_lock_prepare(const char *path, apr_pool_t *pool);

/**
 * Wait for a named lock, which ends with oci_file_lock_release, with pool, and
 * with the process.
 * @param path The file, which is there, and is the same for all who lock
 * @return APR_TIMEUP after OCI_WAIT_FILE, with a sentence under OCI_REASON;
 *         or what the system said
 */
apr_status_t oci_file_lock_take(oci_lock_t **lock, const char *path,
                                const char *name, oci_lock_e kind,
                                apr_pool_t *pool);

/**
 * Wait for an exclusive lock with another limit; as above.
 * @param limit In microseconds
 */
apr_status_t oci_file_lock_take_within(oci_lock_t **lock, const char *path,
                                       const char *name,
                                       apr_interval_time_t limit,
                                       apr_pool_t *pool);

/**
 * Take a named lock that is free; as above.
 * @return APR_EBUSY where somebody has it
 */
apr_status_t oci_file_lock_try(oci_lock_t **lock, const char *path,
                               const char *name, apr_pool_t *pool);

/** Give a lock back. */
apr_status_t oci_file_lock_release(oci_lock_t *lock);

#endif /* OCI_FILE_LOCK_H */
