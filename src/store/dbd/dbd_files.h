/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file dbd_files.h
 * @brief The files of a SQLite database
 *
 * They are the database file, and those beside it whose names dbd_session.h
 * defines.
 */

#ifndef OCI_DBD_FILES_H
#define OCI_DBD_FILES_H

#include "mod_oci.h"

/**
 * Check that the files can be read and changed, or created.
 * @param file The database file, as DBDParams names it
 * @return NULL, or a sentence that says what is wrong
 */
const char *oci_dbd_files_check(const char *file, apr_pool_t *pool);

/**
 * Create the files that do not exist.
 * @param file Absolute
 * @return NULL, or a sentence that says what is wrong
 */
const char *oci_dbd_files_make(const char *file, apr_pool_t *pool);

/**
 * Wait until no other process writes.  SQLite allows one writer at a time, and
 * others poll: this lock makes them queue instead.
 * @param lock Set to the lock
 * @param seconds The limit
 * @return APR_TIMEUP if the lock was not free within the limit
 */
apr_status_t oci_dbd_files_lock(oci_lock_t **lock, const char *file,
                                int seconds, apr_pool_t *pool);

#endif /* OCI_DBD_FILES_H */
