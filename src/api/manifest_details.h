/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file manifest_details.h
 * @brief The parts of the reply to /v2/<name>/_mod_oci/manifests/<reference>
 */

#ifndef OCI_MANIFEST_DETAILS_H
#define OCI_MANIFEST_DETAILS_H

#include "api/json_reply.h"
#include "registry/image_size.h"
#include "registry/manifest.h"
#include "values/document.h"

/** A manifest whose details are being written. */
typedef struct oci_details_t {
    oci_request_t *request;
    const oci_manifest_t *manifest;
    const oci_document_t *document; /* NULL if it cannot be parsed */
    oci_reading_t reading;          /* what may still be read */
    oci_json_reply_t json;
    apr_pool_t *scratch; /* for one part */
} oci_details_t;

/**
 * Write the manifests that an index names: children and moreChildren.
 * @return A storage error
 */
oci_error_t *oci_details_children(oci_details_t *details);

/**
 * Write the referrers of the manifest: referrers and moreReferrers.
 * @return A storage error
 */
oci_error_t *oci_details_referrers(oci_details_t *details);

/** Return what an artifact is, see artifact_kind.h. */
const char *oci_details_kind(const oci_manifest_t *manifest,
                             const oci_document_t *document, apr_pool_t *pool);

/**
 * Log an error of what belongs to the reply, which goes on without it.
 * @return The error if the request must fail: the index cannot be reached
 */
oci_error_t *oci_details_step_over(oci_request_t *request, oci_error_t *error);

/**
 * Check whether the caller may GET a manifest of the repository.
 * @param request An oci_request_t
 * @return 1 if so, otherwise 0
 */
int oci_details_may_read(void *request, const char *digest);

#endif /* OCI_MANIFEST_DETAILS_H */
