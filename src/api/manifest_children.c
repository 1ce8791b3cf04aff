/* SPDX-License-Identifier: Apache-2.0 */

/* The manifests that an index names, as a part of its details. */

#include <string.h>

#include "api/manifest_details.h"
#include "registry/keys.h"
#include "values/description.h"

/* The most children in a reply. */
#define CHILDREN_MAX 200

/* Find out whether the repository has a child, and its size with all that it
 * names, which is 0 if the child is not a manifest or cannot be read. */
static oci_error_t *read_child(int *present, oci_image_size_t *size,
                               oci_details_t *details, const oci_child_t *child,
                               apr_pool_t *pool)
{
    const oci_repository_t *repository = &details->request->repository;
    const char *digest = child->descriptor.digest;
    int is_manifest = child->kind == OCI_CHILD_MANIFEST;
    oci_manifest_t manifest;
    oci_document_t *document;
    oci_error_t
        *error = oci_fact_exists(present, repository->registry,
                                 is_manifest
                                     ? oci_key_manifest(pool, repository->name,
                                                        digest)
                                     : oci_key_held(pool, repository->name,
                                                    digest),
                                 pool);

    if (error || !*present || !is_manifest
        || !oci_reading_may_go_on(&details->reading, digest)) {
        return error;
    }
    error = oci_manifest_get(&manifest, repository, digest, pool);
    if (error) {
        return error;
    }
    oci_reading_count(&details->reading, manifest.size);
    return oci_document_parse(&document, manifest.media_type, manifest.data,
                              manifest.size, pool)
        ? NULL
        : oci_image_size(size, repository, &manifest, document, pool);
}

/* Write what only a caller that may pull the child learns. */
static oci_error_t *write_stored(oci_details_t *details,
                                 const oci_child_t *child, apr_pool_t *pool)
{
    oci_request_t *request = details->request;
    oci_image_size_t size = { .reading = &details->reading };
    oci_error_t *error;
    int present = 0;

    if (!request->may_get(request,
                          child->kind == OCI_CHILD_MANIFEST ? "manifests"
                                                            : "blobs",
                          child->descriptor.digest)) {
        return NULL;
    }
    error = read_child(&present, &size, details, child, pool);
    if (error) {
        return oci_details_step_over(request, error);
    }
    oci_json_flag(&details->json, "present", present);
    if (size.bytes) {
        oci_json_number(&details->json, "totalSize", size.bytes);
        oci_json_true(&details->json, "incomplete", size.incomplete);
    }
    return NULL;
}

static oci_error_t *write_child(oci_details_t *details,
                                const oci_child_t *child,
                                const oci_description_t *description,
                                apr_pool_t *pool)
{
    oci_json_reply_t *json = &details->json;
    oci_error_t *error;

    oci_json_begin(json, NULL, "{");
    oci_json_string(json, "digest", child->descriptor.digest);
    oci_json_string(json, "mediaType", child->descriptor.media_type);
    oci_json_string(json, "artifactType", description->artifact_type);
    oci_json_number(json, "size", child->descriptor.size);
    oci_json_string(json, "platform", description->platform);
    oci_json_annotations(json, "annotations", description->annotations, pool);
    error = write_stored(details, child, pool);
    oci_json_end(json, "}");
    return error;
}

oci_error_t *oci_details_children(oci_details_t *details)
{
    const apr_array_header_t *children = details->document->children;
    const oci_manifest_t *manifest = details->manifest;
    const apr_array_header_t
        *descriptions = oci_descriptions_read(manifest->data, manifest->size,
                                              details->scratch);
    oci_error_t *error = NULL;
    apr_pool_t *pool;
    int i;

    apr_pool_create(&pool, details->scratch);
    oci_json_begin(&details->json, "children", "[");
    for (i = 0; i < children->nelts && i < CHILDREN_MAX && !error; i++) {
        error = write_child(details, &APR_ARRAY_IDX(children, i, oci_child_t),
                            &APR_ARRAY_IDX(descriptions, i, oci_description_t),
                            pool);
        if (!error) {
            apr_pool_clear(pool);
        }
    }
    oci_json_end(&details->json, "]");
    oci_json_true(&details->json, "moreChildren", children->nelts > i);
    return error;
}
