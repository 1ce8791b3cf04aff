/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file manifest_change.h
 * @brief Pushing and deleting manifests, and setting and deleting tags
 */

#ifndef OCI_MANIFEST_CHANGE_H
#define OCI_MANIFEST_CHANGE_H

#include "registry/registry.h"

/** Conditions on what a reference names now (RFC 9110, 13.1). */
typedef struct oci_condition_t {
    const char *match;      /* If-Match, or NULL */
    const char *none_match; /* If-None-Match, or NULL */
} oci_condition_t;

/** A manifest to be pushed. */
typedef struct oci_push_t {
    const char *reference;          /* tag or digest, valid */
    const apr_array_header_t *tags; /* const char *: more tags; or NULL */
    const char *content_type;       /* as sent, or NULL */
    const char *data;
    apr_size_t size;
    oci_condition_t condition;
} oci_push_t;

/** What a push did. */
typedef struct oci_pushed_t {
    const char *digest;
    const char *subject; /* the subject's digest, or NULL */
} oci_pushed_t;

/**
 * Store a manifest and set its tags (distribution-spec, "Pushing
 * Manifests").
 * @return OCI_E_MANIFEST_INVALID, OCI_E_MANIFEST_BLOB_UNKNOWN (one for each
 *         that is missing), OCI_E_MANIFEST_CHANGED where the condition does
 *         not hold, OCI_E_DIGEST_INVALID, OCI_E_INTERNAL, OCI_E_STORAGE_FULL
 */
oci_error_t *oci_manifest_put(oci_pushed_t *pushed,
                              const oci_repository_t *repository,
                              const oci_push_t *push, apr_pool_t *pool);

/**
 * Delete a tag, or a manifest with all its tags (distribution-spec,
 * "Deleting Manifests").
 * @param reference A valid tag or digest
 * @return OCI_E_MANIFEST_UNKNOWN, OCI_E_MANIFEST_CHANGED, OCI_E_INTERNAL
 */
oci_error_t *oci_manifest_delete(const oci_repository_t *repository,
                                 const char *reference,
                                 const oci_condition_t *condition,
                                 apr_pool_t *pool);

#endif /* OCI_MANIFEST_CHANGE_H */
