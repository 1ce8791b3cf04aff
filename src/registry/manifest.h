/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file manifest.h
 * @brief Reads manifests by digest or by tag
 */

#ifndef OCI_MANIFEST_H
#define OCI_MANIFEST_H

#include "registry/registry.h"
#include "values/origin.h"

typedef struct oci_manifest_t {
    const char *digest;
    const char *media_type;
    oci_origin_t origin; /* when and by whom it was pushed */
    const char *data;    /* the bytes as they were pushed */
    apr_size_t size;
} oci_manifest_t;

/**
 * Make the value of a manifest's fact.
 * @param manifest All but digest is used
 */
oci_value_t oci_manifest_format(const oci_manifest_t *manifest,
                                apr_pool_t *pool);

/**
 * Read the value of a manifest's fact, without checking its digest.
 * @param manifest All but digest is set; data is a part of value
 * @return Whether the value has a valid form
 */
int oci_manifest_parse(oci_manifest_t *manifest, const oci_value_t *value,
                       apr_pool_t *pool);

/**
 * Read a manifest (distribution-spec, "Pulling manifests").  Its digest is
 * verified, so that damaged bytes are never served.
 * @param manifest Filled in on success
 * @param reference A valid tag or digest
 * @param pool For the result and temporary data
 * @return OCI_E_MANIFEST_UNKNOWN if there is no such manifest, or, with a note
 *         for the log, if it is damaged; a storage error
 */
oci_error_t *oci_manifest_get(oci_manifest_t *manifest,
                              const oci_repository_t *repository,
                              const char *reference, apr_pool_t *pool);

/**
 * Find the digest that a reference names.
 * @param digest Set to reference itself if that is a digest, even if there is
 *        no such manifest; otherwise to the tag's digest, or NULL if there is
 *        no such tag
 * @param reference A valid tag or digest
 * @param pool For the result and temporary data
 * @return A storage error
 */
oci_error_t *oci_manifest_resolve(const char **digest,
                                  const oci_repository_t *repository,
                                  const char *reference, apr_pool_t *pool);

/**
 * Add the change that keeps a manifest, to which no tag leads, from being
 * deleted by garbage collection soon; none if it is not marked for that.
 * @param changes The list of changes; the change lives in its pool
 * @param digest Of the manifest
 * @param pool For temporary data
 * @return A storage error
 */
oci_error_t *oci_manifest_add_release(apr_array_header_t *changes,
                                      const oci_repository_t *repository,
                                      const char *digest, apr_pool_t *pool);

/** Create the error OCI_E_MANIFEST_UNKNOWN for a reference; from pool. */
oci_error_t *oci_manifest_unknown(const char *reference, apr_pool_t *pool);

#endif /* OCI_MANIFEST_H */
