/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file fingerprint.h
 * @brief A 60-bit number that identifies a text
 */

#ifndef OCI_FINGERPRINT_H
#define OCI_FINGERPRINT_H

#include "apr_pools.h"

/**
 * Compute the number of a text.  Different texts practically always have
 * different numbers, and it is infeasible to find a text with the number of a
 * given one.
 * @param pool For temporary data
 * @return The first 60 bits of the text's SHA-256 digest
 */
apr_int64_t oci_fingerprint(const char *text, apr_pool_t *pool);

#endif /* OCI_FINGERPRINT_H */
