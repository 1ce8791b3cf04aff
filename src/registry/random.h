/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file random.h
 * @brief Random names, and those that tell when they were made
 */

#ifndef OCI_RANDOM_H
#define OCI_RANDOM_H

#include "registry/error.h"

/**
 * Make random digits.
 * @param text Set to twice as many lower-case hex digits as bytes, from pool
 * @return OCI_E_INTERNAL where the system has no random bytes
 */
oci_error_t *oci_random_hex(const char **text, apr_size_t bytes,
                            apr_pool_t *pool);

/**
 * Make a stamp: the seconds of the present time in 8 hex digits, and 16
 * random ones.
 * @return OCI_E_INTERNAL, as above
 */
oci_error_t *oci_random_stamp(const char **stamp, apr_pool_t *pool);

/** The seconds in what begins with a stamp. */
apr_int64_t oci_stamp_seconds(const char *stamp);

#endif /* OCI_RANDOM_H */
