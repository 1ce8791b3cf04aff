/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file referrer.h
 * @brief Referrers: the manifests that have another one as their subject
 */

#ifndef OCI_REFERRER_H
#define OCI_REFERRER_H

#include "registry/manifest.h"
#include "values/document.h"

typedef struct oci_referrer_t {
    const char *digest;
    const char *descriptor; /* JSON text */
} oci_referrer_t;

/** What to list. */
typedef struct oci_referrer_query_t {
    const char *subject;       /* a digest, whether or not it is there */
    const char *artifact_type; /* only those of this type, or NULL */
    const char *after;         /* those with a greater digest, or NULL */
    apr_size_t bytes;          /* at most this many of descriptors, and a
                                  byte between two; but at least one */
} oci_referrer_query_t;

/**
 * List the referrers of a digest (distribution-spec, "Listing Referrers").
 * @param referrers Set to an array of oci_referrer_t, ordered by digest
 * @param more Set to whether there are more than these
 * @return OCI_E_INTERNAL, OCI_E_UNAVAILABLE
 */
oci_error_t *oci_referrer_list(apr_array_header_t **referrers, int *more,
                               const oci_repository_t *repository,
                               const oci_referrer_query_t *query,
                               apr_pool_t *pool);

/**
 * Add to changes what lists a manifest under its subject.
 * @param document The manifest's; it has a subject
 * @param manifest Its digest and size count
 */
void oci_referrer_put(apr_array_header_t *changes, const char *name,
                      const oci_document_t *document,
                      const oci_manifest_t *manifest, apr_pool_t *pool);

/** Add to changes what lists it no longer. */
void oci_referrer_delete(apr_array_header_t *changes, const char *name,
                         const char *subject, const char *digest,
                         apr_pool_t *pool);

#endif /* OCI_REFERRER_H */
