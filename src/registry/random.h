/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file random.h
 * @brief Random names, and names that begin with the time
 */

#ifndef OCI_RANDOM_H
#define OCI_RANDOM_H

#include "registry/error.h"

/**
 * Generate random hex digits.
 * @param text Set to 2 * bytes lower-case hex digits, from pool
 * @param bytes The number of random bytes
 * @return A storage error if the system cannot provide random bytes
 */
oci_error_t *oci_random_hex(const char **text, apr_size_t bytes,
                            apr_pool_t *pool);

/**
 * Generate a stamp: the current time in seconds as 8 hex digits, followed by 16
 * random hex digits.
 * @param stamp Set to it, from pool
 * @return As oci_random_hex
 */
oci_error_t *oci_random_stamp(const char **stamp, apr_pool_t *pool);

/** Return the seconds since 1970 in a text that begins with a stamp. */
apr_int64_t oci_stamp_seconds(const char *stamp);

#endif /* OCI_RANDOM_H */
