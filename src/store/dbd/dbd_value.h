/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file dbd_value.h
 * @brief Values as text that any database stores unchanged
 *
 * A value of printable ASCII (and tabs and line ends) that does not begin with
 * "=" or "+" is stored as it is.  Any other value is stored as "=" and base64.
 * A text that is too long for one row continues in further rows, and begins
 * with "+" in the first:
 *
 *     row 0        *1"+" text / *1"+" "=" base64
 *     further rows the rest of the text
 */

#ifndef OCI_DBD_VALUE_H
#define OCI_DBD_VALUE_H

#include "mod_oci.h"

/** The maximum size of a row's text, bytes. */
#define OCI_DBD_ROW 8000

/**
 * Encode a value as the text of one or more rows.
 * @return An array of const char *, at least one
 */
apr_array_header_t *oci_dbd_value_encode(const oci_value_t *value,
                                         apr_pool_t *pool);

/**
 * Decode the value of a fact from its rows.
 * @param rows An array of const char *, in order, at least one
 * @return APR_EINVAL if the rows are not an encoded value
 */
apr_status_t oci_dbd_value_decode(oci_value_t *value,
                                  const apr_array_header_t *rows,
                                  apr_pool_t *pool);

/** Return whether the value continues after this first row. */
int oci_dbd_value_continues(const char *row);

#endif /* OCI_DBD_VALUE_H */
