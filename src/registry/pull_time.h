/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file pull_time.h
 * @brief When manifests were last pulled, to the hour
 */

#ifndef OCI_PULL_TIME_H
#define OCI_PULL_TIME_H

#include "registry/registry.h"

/**
 * Remember that a manifest is being pulled.  Writes at most once in an hour for
 * a manifest, and does not wait until that is durable.
 * @param digest Of the manifest
 * @param pool For temporary data
 * @return A storage error
 */
oci_error_t *oci_pull_time_set(const oci_repository_t *repository,
                               const char *digest, apr_pool_t *pool);

/**
 * Find out when a manifest was last pulled.
 * @param seconds Set to the time since 1970, UTC, rounded down to the hour; 0
 * if no pull is known
 * @param digest Of the manifest
 * @param pool For temporary data
 * @return A storage error
 */
oci_error_t *oci_pull_time_get(apr_int64_t *seconds,
                               const oci_repository_t *repository,
                               const char *digest, apr_pool_t *pool);

#endif /* OCI_PULL_TIME_H */
