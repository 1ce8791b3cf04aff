/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file manifest_change.h
 * @brief Pushes manifests and sets tags
 */

#ifndef OCI_MANIFEST_CHANGE_H
#define OCI_MANIFEST_CHANGE_H

#include "registry/condition.h"
#include "registry/registry.h"

/** A manifest to push. */
typedef struct oci_push_t {
    const char *reference;           /* a valid tag or digest */
    const apr_array_header_t *tags;  /* of const char *: more tags, or NULL */
    const apr_array_header_t *fixed; /* of const char *: those of all these tags
                                      * that do not move once they are set, or
                                      * NULL */
    const char *content_type;        /* the request's, or NULL */
    const char *data;                /* the manifest's bytes */
    apr_size_t size;                 /* bytes */
    const char *user;                /* who pushes; NULL: anonymous */
    apr_int64_t seconds;             /* when, since 1970, UTC; 0: now */
    oci_condition_t condition;
} oci_push_t;

/** The result of a push. */
typedef struct oci_pushed_t {
    const char *digest;
    const char *subject; /* the subject's digest, or NULL if it has none */
} oci_pushed_t;

/**
 * Store a manifest and set its tags (distribution-spec, "Pushing
 * Manifests").
 * @param pushed Filled in on success
 * @param pool For the result and temporary data
 * @return OCI_E_MANIFEST_INVALID; OCI_E_MANIFEST_BLOB_UNKNOWN, a list with one
 *         error for each missing child; OCI_E_MANIFEST_CHANGED if the condition
 *         is not met; OCI_E_TAG_IMMUTABLE if a tag would move that must not;
 *         OCI_E_DIGEST_INVALID if the reference is a digest that
 *         the bytes do not have; a storage error
 */
oci_error_t *oci_manifest_put(oci_pushed_t *pushed,
                              const oci_repository_t *repository,
                              const oci_push_t *push, apr_pool_t *pool);

/**
 * Keep a manifest, to which no tag leads, from being deleted by garbage
 * collection soon: a client that was told that it exists may push an index that
 * names it.  The manifest need not exist: look for it afterwards.
 * @param digest Of the manifest
 * @param pool For temporary data
 * @return OCI_E_MANIFEST_UNKNOWN if it was deleted meanwhile; a storage error
 */
oci_error_t *oci_manifest_release(const oci_repository_t *repository,
                                  const char *digest, apr_pool_t *pool);

#endif /* OCI_MANIFEST_CHANGE_H */
