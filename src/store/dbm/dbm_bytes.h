/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file dbm_bytes.h
 * @brief Numbers and checksums in files, in one byte order on every machine
 */

#ifndef OCI_DBM_BYTES_H
#define OCI_DBM_BYTES_H

#include "apr.h"

/** Write a number as count bytes, the most significant byte first. */
void oci_dbm_bytes_put(char *bytes, apr_uint64_t number, int count);

/** Read a number of count bytes, the most significant byte first. */
apr_uint64_t oci_dbm_bytes_get(const char *bytes, int count);

/**
 * Compute a checksum, which detects damage but not tampering.
 * @param seed Different seeds give different sums of the same bytes
 * @param size Bytes of data
 */
apr_uint64_t oci_dbm_bytes_sum(apr_uint64_t seed, const char *data,
                               apr_size_t size);

#endif /* OCI_DBM_BYTES_H */
