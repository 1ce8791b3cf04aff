/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file dbd_change.h
 * @brief How the facts in a database are changed
 */

#ifndef OCI_DBD_CHANGE_H
#define OCI_DBD_CHANGE_H

#include "mod_oci.h"
#include "store/dbd/dbd_session.h"

/**
 * Read the rows of a fact.
 * @param rows Set to an array of const char *, empty if the fact does not exist
 * @return APR_EGENERAL if the database failed
 */
apr_status_t oci_dbd_rows_read(apr_array_header_t **rows,
                               oci_dbd_session_t *session, const char *key,
                               apr_pool_t *pool);

/**
 * Apply changes, all or none of them.
 * @param unsure Set if a failure may have happened after the changes were made
 * @return APR_EEXIST for an ADD whose key exists: the changes before it have
 *         been applied; APR_EGENERAL if the database failed
 */
apr_status_t oci_dbd_change_apply(oci_dbd_session_t *session,
                                  const oci_change_t *changes, int count,
                                  int *unsure, apr_pool_t *pool);

#endif /* OCI_DBD_CHANGE_H */
