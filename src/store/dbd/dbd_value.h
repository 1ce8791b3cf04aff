/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file dbd_value.h
 * @brief Values as text that any database keeps as it is
 *
 * A value of printable ASCII (and tabs and line ends) that does not begin
 * with "=" or "+" is kept as it is; another as "=" and base64.  Text that is
 * too long for one row goes on in further ones, and begins with "+" in the
 * first:
 *
 *     row 0        *1"+" text / *1"+" "=" base64
 *     further rows what follows
 */

#ifndef OCI_DBD_VALUE_H
#define OCI_DBD_VALUE_H

#include "mod_oci.h"

/** Bytes of a row's text at most. */
#define OCI_DBD_ROW 8000

/**
 * The text of a value, cut into rows.
 * @return An array of const char *, one at least
 */
apr_array_header_t *oci_dbd_value_encode(const oci_value_t *value,
                                         apr_pool_t *pool);

/**
 * The value of rows.
 * @param rows An array of const char *, in their order, one at least
 * @return APR_EINVAL where it was not encoded so
 */
apr_status_t oci_dbd_value_decode(oci_value_t *value,
                                  const apr_array_header_t *rows,
                                  apr_pool_t *pool);

/** Whether the value whose first row this is has further ones. */
int oci_dbd_value_continues(const char *row);

#endif /* OCI_DBD_VALUE_H */
