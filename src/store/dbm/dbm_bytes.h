/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file dbm_bytes.h
 * @brief Numbers and checksums in files, the same on every machine
 */

#ifndef OCI_DBM_BYTES_H
#define OCI_DBM_BYTES_H

#include "apr.h"

/** Write a number as count bytes, the most significant one first. */
void oci_dbm_bytes_put(char *bytes, apr_uint64_t number, int count);

/** Read a number of count bytes. */
apr_uint64_t oci_dbm_bytes_get(const char *bytes, int count);

/**
 * A checksum, which tells damage, not malice.
 * @param seed Sums of the same bytes with other seeds differ
 */
apr_uint64_t oci_dbm_bytes_sum(apr_uint64_t seed, const char *data,
                               apr_size_t size);

#endif /* OCI_DBM_BYTES_H */
