/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file dbd_change.h
 * @brief How the facts in a database change
 */

#ifndef OCI_DBD_CHANGE_H
#define OCI_DBD_CHANGE_H

#include "mod_oci.h"
#include "store/dbd/dbd_session.h"

/**
 * The rows of a fact.
 * @param rows Set to an array of const char *, empty where there is none
 * @return APR_EGENERAL
 */
apr_status_t oci_dbd_rows_read(apr_array_header_t **rows,
                               oci_dbd_session_t *session, const char *key,
                               apr_pool_t *pool);

/**
 * Make changes, all or none of them.
 * @param unsure Set where a failure may have come when they were made
 * @return APR_EEXIST of an ADD that found its key: what stands before it is
 *         done; APR_EGENERAL
 */
apr_status_t oci_dbd_change_apply(oci_dbd_session_t *session,
                                  const oci_change_t *changes, int count,
                                  int *unsure, apr_pool_t *pool);

#endif /* OCI_DBD_CHANGE_H */
