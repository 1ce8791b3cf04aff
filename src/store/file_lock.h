/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file file_lock.h
 * @brief Named locks in a file, between threads and between processes
 */

#ifndef OCI_FILE_LOCK_H
#define OCI_FILE_LOCK_H

#include "mod_oci.h"

/**
 * Prepare an existing file for locks while the disk has room: otherwise the
 * first lock would do it.
 * @return An errno if the file cannot be opened or written
 */
apr_status_t oci_file_lock_prepare(const char *path, apr_pool_t *pool);

/**
 * Rename the lock file of an index of version 1, so that processes that run the
 * code of that version can take no more locks.  The locks that they hold count
 * until they end.  If path exists, a file at the old path was made later by
 * such a process, and is removed.
 * @param old The path in version 1; need not exist
 * @param path The path in our version
 * @return NULL, or a sentence that says what is wrong
 */
const char *oci_file_lock_rename(const char *old, const char *path,
                                 apr_pool_t *pool);

/** What to do about an index of version 1 that may not be raised. */
#define OCI_RAISE "start httpd with the new mod_oci first, which converts it"

/**
 * Refuse an index of version 1, which oci_file_lock_rename was not called for.
 * @param old,path As there
 * @return NULL, or a sentence that says what to do
 */
const char *oci_file_lock_refuse_old(const char *old, const char *path,
                                     apr_pool_t *pool);

/**
 * Wait for a named lock, which ends with oci_file_lock_release, with pool, and
 * with the process.
 * @param path The file, which exists and is the same for all processes
 * @return APR_TIMEUP after OCI_WAIT_FILE, with a sentence under OCI_REASON; or
 *         an errno
 */
apr_status_t oci_file_lock_take(oci_lock_t **lock, const char *path,
                                const char *name, oci_lock_e kind,
                                apr_pool_t *pool);

/**
 * Wait for an exclusive lock with another limit; otherwise as
 * oci_file_lock_take.
 * @param limit Microseconds
 */
apr_status_t oci_file_lock_take_within(oci_lock_t **lock, const char *path,
                                       const char *name,
                                       apr_interval_time_t limit,
                                       apr_pool_t *pool);

/**
 * Take an exclusive lock without waiting; otherwise as oci_file_lock_take.
 * @return APR_EBUSY if the lock is held
 */
apr_status_t oci_file_lock_try(oci_lock_t **lock, const char *path,
                               const char *name, apr_pool_t *pool);

/** Release a lock. */
apr_status_t oci_file_lock_release(oci_lock_t *lock);

#endif /* OCI_FILE_LOCK_H */
