/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file referrer.h
 * @brief Referrers: the manifests that have another one as their subject
 */

#ifndef OCI_REFERRER_H
#define OCI_REFERRER_H

#include "registry/registry.h"
#include "values/document.h"

typedef struct oci_referrer_t {
    const char *digest;
    const char *descriptor; /* JSON text */
} oci_referrer_t;

/**
 * The referrers of a digest, whether or not that is there (distribution-spec,
 * "Listing Referrers").
 * @param referrers Set to an array of oci_referrer_t, in the order of their
 *        digests
 * @param more Set to whether there are more than these
 * @param artifact_type Only those of this type, or NULL
 * @param after Those with a digest greater than this, or NULL
 * @param bytes Stop after so many bytes of descriptors
 * @return OCI_E_INTERNAL
 */
oci_error_t *oci_referrer_list(apr_array_header_t **referrers, int *more,
                               const oci_repository_t *repository,
                               const char *subject, const char *artifact_type,
                               const char *after, apr_size_t bytes,
                               apr_pool_t *pool);

/** Add to changes what lists a document under its subject. */
void oci_referrer_put(apr_array_header_t *changes, const char *name,
                      const oci_document_t *document, const char *digest,
                      apr_size_t size, apr_pool_t *pool);

/** Add to changes what lists it no longer. */
void oci_referrer_delete(apr_array_header_t *changes, const char *name,
                         const char *subject, const char *digest,
                         apr_pool_t *pool);

#endif /* OCI_REFERRER_H */
