/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file dbm_start.h
 * @brief How a "dbm" index is created, and checked when a server starts
 */

#ifndef OCI_DBM_START_H
#define OCI_DBM_START_H

#include "store/dbm/dbm_view.h"

/**
 * Create an index if there is none.  Otherwise check that it is ours, complete
 * and usable, raise it to our version, and remove what killed processes left.
 * @param dbm Its lock_file is set
 * @param pool Scratch, also of the result
 * @return NULL, or a sentence that says what is wrong
 */
const char *oci_dbm_start(oci_dbm_t *dbm, apr_pool_t *pool);

/**
 * Find out why oci_dbm_start would fail, without changing anything.  The
 * parameters and the result are those of oci_dbm_start.  An index that another
 * process is changing is not checked: it is in use.  One of version 1 keeps its
 * lock file.
 */
const char *oci_dbm_check(oci_dbm_t *dbm, apr_pool_t *pool);

/**
 * Check that a DBM of this type can hold an index.
 * @param type The TYPE of OCIIndex dbm:TYPE, or NULL
 * @return NULL, or a sentence that says what is wrong
 */
const char *oci_dbm_check_type(const char *type, apr_pool_t *pool);

#endif /* OCI_DBM_START_H */
