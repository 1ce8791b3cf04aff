/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file probe.h
 * @brief Finding out whether the stores of a registry work at present
 *
 * What a probe writes, it removes again.  If the process is killed meanwhile,
 * garbage collection removes it.
 */

#ifndef OCI_PROBE_H
#define OCI_PROBE_H

#include "registry/registry.h"

/**
 * Find out whether the index answers, and whether it accepts changes.
 * @param writes Whether to change it; 0 for a registry that is only read
 * @param pool For temporary data
 * @return A storage error (error.h)
 */
oci_error_t *oci_probe_index(const oci_registry_t *registry, int writes,
                             apr_pool_t *pool);

/**
 * Check that the blob store belongs to the index, and whether it accepts
 * uploads.  The index must work.
 * @param writes Whether to write to it; 0 for a registry that is only read
 * @param pool For temporary data
 * @return OCI_E_UNAVAILABLE if another store is there, or none, for example
 *         because a disk is not mounted; a storage error
 */
oci_error_t *oci_probe_blobs(const oci_registry_t *registry, int writes,
                             apr_pool_t *pool);

/**
 * Find out whether the blob store is there, for when the index does not work:
 * without it, nothing else can be checked.
 * @param pool For temporary data
 * @return A storage error
 */
oci_error_t *oci_probe_presence(const oci_registry_t *registry,
                                apr_pool_t *pool);

#endif /* OCI_PROBE_H */
