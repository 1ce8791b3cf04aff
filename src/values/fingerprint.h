/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file fingerprint.h
 * @brief A number for a name
 */

#ifndef OCI_FINGERPRINT_H
#define OCI_FINGERPRINT_H

#include "apr_pools.h"

/**
 * 60 bits that differ where texts do, as good as always: nobody can make a
 * text that has the number of a given one.
 */
apr_int64_t oci_fingerprint(const char *text, apr_pool_t *pool);

#endif /* OCI_FINGERPRINT_H */
