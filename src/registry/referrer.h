/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file referrer.h
 * @brief Referrers: the manifests that name another manifest as their subject
 */

#ifndef OCI_REFERRER_H
#define OCI_REFERRER_H

#include "registry/manifest.h"
#include "values/document.h"

typedef struct oci_referrer_t {
    const char *digest;
    const char *descriptor; /* JSON text */
} oci_referrer_t;

/** Which referrers to list. */
typedef struct oci_referrer_query_t {
    const char *subject;       /* a valid digest */
    const char *artifact_type; /* list only this type; NULL for all */
    const char *after;         /* list only greater digests; NULL for all */
    apr_size_t bytes;          /* the most bytes of descriptors, plus one
                                  between two; one descriptor may exceed it */
} oci_referrer_query_t;

/**
 * List the referrers of a digest (distribution-spec, "Listing Referrers").
 * There need not be a manifest with this digest.
 * @param referrers Set to an array of oci_referrer_t, sorted by digest
 * @param more Set to whether there are more referrers than these
 * @param query Which referrers to list
 * @param pool For the result and temporary data
 * @return A storage error
 */
oci_error_t *oci_referrer_list(apr_array_header_t **referrers, int *more,
                               const oci_repository_t *repository,
                               const oci_referrer_query_t *query,
                               apr_pool_t *pool);

/**
 * Add a change that lists a manifest as a referrer of its subject.
 * @param changes The list to add to
 * @param name The repository's name
 * @param document The parsed manifest; its subject is not NULL
 * @param manifest Its digest and size are used
 * @param pool For the change
 */
void oci_referrer_put(apr_array_header_t *changes, const char *name,
                      const oci_document_t *document,
                      const oci_manifest_t *manifest, apr_pool_t *pool);

/**
 * Add a change that removes a manifest from the referrers of a subject.
 * @param changes The list to add to
 * @param name The repository's name
 * @param subject The subject's digest
 * @param digest The manifest's digest
 * @param pool For the change
 */
void oci_referrer_delete(apr_array_header_t *changes, const char *name,
                         const char *subject, const char *digest,
                         apr_pool_t *pool);

#endif /* OCI_REFERRER_H */
