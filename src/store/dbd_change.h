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
 * @file dbd_change.h
 * @brief How the facts in a database change
 */

#ifndef OCI_DBD_CHANGE_H
#define OCI_DBD_CHANGE_H

#include "mod_oci.h"
#include "store/dbd_session.h"

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
apr_status_t oci_dbd_changes_make(oci_dbd_session_t *session,
                                  const oci_change_t *changes, int count,
                                  int *unsure, apr_pool_t *pool);

#endif /* OCI_DBD_CHANGE_H */
