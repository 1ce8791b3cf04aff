/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file dbd_table.h
 * @brief Creates the table of facts, or raises its version
 */

#ifndef OCI_DBD_TABLE_H
#define OCI_DBD_TABLE_H

#include "store/dbd/dbd_statement.h"

/**
 * Make sure that the table of facts exists and has our version.  If there is an
 * index of version 1, raise it.  Other processes may do so at the same time.
 * @param session A new connection, before its statements are prepared
 * @param scratch For temporary data
 * @return APR_EGENERAL if the database failed, or if another try may succeed;
 *         APR_EINVAL if the table is not ours to use
 */
apr_status_t oci_dbd_table_prepare(oci_dbd_session_t *session,
                                   apr_pool_t *scratch);

#endif /* OCI_DBD_TABLE_H */
