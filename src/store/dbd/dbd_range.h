/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file dbd_range.h
 * @brief A range of keys as texts that a database compares
 */

#ifndef OCI_DBD_RANGE_H
#define OCI_DBD_RANGE_H

#include "mod_oci.h"

/** Return a text that is less than all keys of a range, and not less than those
 * before them. */
const char *oci_dbd_range_begin(const oci_scan_t *range, apr_pool_t *pool);

/** Return a text that is greater than all keys with the range's prefix. */
const char *oci_dbd_range_end(const oci_scan_t *range, apr_pool_t *pool);

#endif /* OCI_DBD_RANGE_H */
