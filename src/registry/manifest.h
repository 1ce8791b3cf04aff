/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file manifest.h
 * @brief Manifests and the tags that name them
 */

#ifndef OCI_MANIFEST_H
#define OCI_MANIFEST_H

#include "registry/registry.h"

typedef struct oci_manifest_t {
    const char *digest;
    const char *media_type;
    const char *data; /* the bytes as they were pushed */
    apr_size_t size;
} oci_manifest_t;

/**
 * Read a manifest (distribution-spec, "Pulling manifests").  Its digest is
 * checked: what the disk has spoilt is never served.
 * @param reference A valid tag or digest
 * @return OCI_E_MANIFEST_UNKNOWN, OCI_E_INTERNAL
 */
oci_error_t *oci_manifest_get(oci_manifest_t *manifest,
                              const oci_repository_t *repository,
                              const char *reference, apr_pool_t *pool);

/**
 * What a reference names.
 * @param digest Set to the reference if that is a digest, whether or not the
 *        manifest is there, else to the tag's digest, NULL for no such tag
 * @return OCI_E_INTERNAL
 */
oci_error_t *oci_manifest_resolve(const char **digest,
                                  const oci_repository_t *repository,
                                  const char *reference, apr_pool_t *pool);

/** OCI_E_MANIFEST_UNKNOWN for a reference. */
oci_error_t *oci_manifest_unknown(const char *reference, apr_pool_t *pool);

#endif /* OCI_MANIFEST_H */
