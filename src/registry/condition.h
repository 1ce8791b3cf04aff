/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file condition.h
 * @brief Conditions on the digest that a tag or a digest in the path names
 */

#ifndef OCI_CONDITION_H
#define OCI_CONDITION_H

#include "registry/registry.h"

/** Conditions on the digest that a reference names now (RFC 9110, 13.1). */
typedef struct oci_condition_t {
    const char *match;      /* If-Match, or NULL */
    const char *none_match; /* If-None-Match, or NULL */
} oci_condition_t;

/**
 * Check that a condition is met by the digest that a reference names now.
 * @param reference A valid tag or digest
 * @param pool For the error and temporary data
 * @return OCI_E_MANIFEST_CHANGED if not; a storage error
 */
oci_error_t *oci_condition_check(const oci_condition_t *condition,
                                 const oci_repository_t *repository,
                                 const char *reference, apr_pool_t *pool);

#endif /* OCI_CONDITION_H */
