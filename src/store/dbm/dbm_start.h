/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file dbm_start.h
 * @brief How an index "dbm" is made, and looked at when a server starts
 */

#ifndef OCI_DBM_START_H
#define OCI_DBM_START_H

#include "store/dbm/dbm_view.h"

/**
 * Make an index where there is none, or see that it is one of ours, whole,
 * and can be used; and remove what killed processes left.
 * @return NULL, or a sentence that says what is wrong
 */
const char *oci_dbm_start(const oci_dbm_t *dbm, apr_pool_t *pool);

/**
 * Whether an index can be kept in a DBM of this type.
 * @param type As OCIIndex dbm:TYPE has it, or NULL
 * @return NULL, or a sentence that says what is wrong
 */
const char *oci_dbm_check_type(const char *type, apr_pool_t *pool);

#endif /* OCI_DBM_START_H */
