/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file endpoints.h
 * @brief The request handlers, in one file for each URL segment
 *
 * A handler either sends its reply and returns NULL, or sends nothing and
 * returns an error.  GET handlers also serve HEAD.
 */

#ifndef OCI_ENDPOINTS_H
#define OCI_ENDPOINTS_H

#include "api/request.h"

/* base.c: /v2/ */
oci_error_t *oci_base_get(oci_request_t *request);

/* catalog.c: /v2/_catalog */
oci_error_t *oci_catalog_get(oci_request_t *request);

/* tags.c: /v2/<name>/tags/list */
oci_error_t *oci_tags_get(oci_request_t *request);

/* manifests.c: /v2/<name>/manifests/<reference> */
oci_error_t *oci_manifests_get(oci_request_t *request);
oci_error_t *oci_manifests_put(oci_request_t *request);
oci_error_t *oci_manifests_delete(oci_request_t *request);

/* blobs.c: /v2/<name>/blobs/<digest> */
oci_error_t *oci_blobs_get(oci_request_t *request);
oci_error_t *oci_blobs_delete(oci_request_t *request);

/* uploads.c: /v2/<name>/blobs/uploads/ and below */
oci_error_t *oci_uploads_post(oci_request_t *request);
oci_error_t *oci_uploads_get(oci_request_t *request);
oci_error_t *oci_uploads_patch(oci_request_t *request);
oci_error_t *oci_uploads_put(oci_request_t *request);
oci_error_t *oci_uploads_delete(oci_request_t *request);

/* referrers.c: /v2/<name>/referrers/<digest> */
oci_error_t *oci_referrers_get(oci_request_t *request);

/* tag_details.c: /v2/<name>/_mod_oci/tags */
oci_error_t *oci_tag_details_get(oci_request_t *request);

/* manifest_details.c: /v2/<name>/_mod_oci/manifests/<reference> */
oci_error_t *oci_manifest_details_get(oci_request_t *request);

#endif /* OCI_ENDPOINTS_H */
