/* SPDX-License-Identifier: Apache-2.0 */

/* /v2/<name>/_mod_oci/manifests/<reference>: a manifest and all that belongs to
 * it, for pages and scripts. */

#include <string.h>

#include "apr_strings.h"

#include "api/config_text.h"
#include "api/endpoints.h"
#include "api/manifest_details.h"
#include "api/reply.h"
#include "registry/pull_time.h"
#include "registry/tag.h"
#include "values/artifact_kind.h"
#include "values/digest.h"
#include "values/json_span.h"

/* What a request reads of manifests. */
#define MANIFESTS_MAX 2000
#define BYTES_MAX     (32 * 1024 * 1024)

/* The largest manifest that is part of the reply, in bytes. */
#define MANIFEST_MAX (1024 * 1024)

oci_error_t *oci_details_step_over(oci_request_t *request, oci_error_t *error)
{
    if (error->code == OCI_E_UNAVAILABLE) {
        return error;
    }
    if (error->note) {
        oci_reply_log(request->r, error);
    }
    return NULL;
}

static int is_index(const oci_manifest_t *manifest)
{
    static const char *const names[] = { "manifests" };
    oci_span_t list;

    oci_span_members(&list, oci_span_of(manifest->data, manifest->size), names,
                     1);
    return oci_span_is_array(list);
}

/* Return the config of a document, or NULL. */
static const oci_descriptor_t *config_of(const oci_manifest_t *manifest,
                                         const oci_document_t *document)
{
    return is_index(manifest) || !document->children->nelts
        ? NULL
        : &APR_ARRAY_IDX(document->children, 0, oci_child_t).descriptor;
}

const char *oci_details_kind(const oci_manifest_t *manifest,
                             const oci_document_t *document, apr_pool_t *pool)
{
    static const char *const names[] = { OCI_PREDICATE_ANNOTATION };
    const char *text = document->annotations;
    oci_span_t predicate = { NULL, 0 };
    const char *layer = NULL;

    if (is_index(manifest)) {
        return "index";
    }
    if (document->children->nelts > 1) {
        layer = APR_ARRAY_IDX(document->children, 1, oci_child_t)
                    .descriptor.media_type;
    }
    if (text) {
        oci_span_members(&predicate, oci_span_of(text, strlen(text)), names, 1);
    }
    return oci_artifact_kind(document->artifact_type, layer,
                             oci_span_text(predicate, pool));
}

/* Find what the reference names, and when and by whom that was pushed: for a
 * tag, the tag. */
static oci_error_t *find_manifest(oci_manifest_t *manifest,
                                  oci_request_t *request)
{
    const char *reference = request->route.reference;
    apr_pool_t *pool = request->r->pool;
    oci_error_t *error = oci_manifest_get(manifest, &request->repository,
                                          reference, pool);
    oci_tag_t tag;

    if (!error && !oci_digest_valid(reference)) {
        error = oci_tag_get(&tag, &request->repository, reference, pool);
        if (!error && tag.digest && !strcmp(tag.digest, manifest->digest)) {
            manifest->origin = tag.origin;
        }
    }
    return error;
}

/* Write what is known of the manifest as a whole. */
static oci_error_t *write_summary(oci_details_t *details)
{
    const oci_manifest_t *manifest = details->manifest;
    const oci_document_t *document = details->document;
    oci_request_t *request = details->request;
    oci_image_size_t size = { .reading = &details->reading };
    oci_json_reply_t *json = &details->json;
    apr_int64_t pulled;
    oci_error_t *error = oci_pull_time_get(&pulled, &request->repository,
                                           manifest->digest, details->scratch);

    if (!error && document) {
        error = oci_image_size(&size, &request->repository, manifest, document,
                               details->scratch);
    }
    if (error && (error = oci_details_step_over(request, error))) {
        return error;
    }
    oci_json_string(json, "name", request->route.name);
    oci_json_string(json, "digest", manifest->digest);
    oci_json_string(json, "mediaType", manifest->media_type);
    oci_json_number(json, "size", (apr_int64_t)manifest->size);
    oci_json_time(json, "pushed", manifest->origin.seconds);
    oci_json_string(json, "user", manifest->origin.user);
    oci_json_time(json, "pulled", pulled);
    if (document) {
        oci_json_string(json, "artifactType", document->artifact_type);
        oci_json_string(json, "kind",
                        oci_details_kind(manifest, document, details->scratch));
        oci_json_number(json, "totalSize", size.bytes);
        oci_json_true(json, "incomplete", size.incomplete);
    }
    return NULL;
}

/* Write whether the caller may delete the reference now.  A digest goes with
 * all its tags. */
static void write_may_delete(oci_details_t *details,
                             const apr_array_header_t *tags)
{
    oci_request_t *request = details->request;
    const char *reference = request->route.reference;
    oci_json_reply_t *json = &details->json;
    int digest = request->may_delete(request, details->manifest->digest);
    int i;

    for (i = 0; digest && request->asks_tags && i < tags->nelts; i++) {
        digest = request->may_delete(request,
                                     APR_ARRAY_IDX(tags, i, const char *));
    }
    oci_json_begin(json, "mayDelete", "{");
    if (!oci_digest_valid(reference)) {
        oci_json_flag(json, "tag", request->may_delete(request, reference));
    }
    oci_json_flag(json, "digest", digest);
    oci_json_end(json, "}");
}

/* Write the tags that the caller may see, and what it may delete. */
static oci_error_t *write_tags(oci_details_t *details)
{
    oci_request_t *request = details->request;
    oci_json_reply_t *json = &details->json;
    apr_array_header_t *tags;
    int more, i;
    oci_error_t *error = oci_tag_list_some_naming(&tags, &more,
                                                  &request->repository,
                                                  details->manifest->digest,
                                                  details->scratch);

    if (error) {
        return error;
    }
    oci_json_begin(json, "tags", "[");
    for (i = 0; i < tags->nelts; i++) {
        const char *tag = APR_ARRAY_IDX(tags, i, const char *);

        if (request->may_get(request, "manifests", tag)) {
            oci_json_string(json, NULL, tag);
        }
    }
    oci_json_end(json, "]");
    oci_json_true(json, "moreTags", more);
    write_may_delete(details, tags);
    return NULL;
}

/* Write the config of an image or a Helm chart, if the caller may pull it. */
static oci_error_t *write_config(oci_details_t *details)
{
    const oci_descriptor_t *config = config_of(details->manifest,
                                               details->document);
    oci_error_t *error;
    oci_span_t text;

    if (!config) {
        return NULL;
    }
    error = oci_config_text(&text, details->request, config, details->scratch);
    if (error) {
        return oci_details_step_over(details->request, error);
    }
    oci_json_value(&details->json, "config", text.text, text.size);
    return NULL;
}

/* Write the manifest itself and what it names. */
static oci_error_t *write_content(oci_details_t *details)
{
    const oci_manifest_t *manifest = details->manifest;
    oci_json_reply_t *json = &details->json;

    if (!details->document) {
        return NULL;
    }
    if (manifest->size <= MANIFEST_MAX) {
        oci_json_value(json, "manifest", manifest->data, manifest->size);
    }
    else {
        oci_json_true(json, "manifestTooLarge", 1);
    }
    return is_index(manifest) ? oci_details_children(details)
                              : write_config(details);
}

static oci_error_t *write_details(oci_details_t *details)
{
    static oci_error_t *(*const parts[])(oci_details_t *) = {
        write_summary, write_tags, write_content, oci_details_referrers
    };
    oci_error_t *error = NULL;
    unsigned i;

    for (i = 0; i < sizeof(parts) / sizeof(parts[0]) && !error; i++) {
        error = parts[i](details);
        if (!error) {
            apr_pool_clear(details->scratch);
        }
    }
    return error;
}

int oci_details_may_read(void *request_, const char *digest)
{
    oci_request_t *request = request_;

    return request->may_get(request, "manifests", digest);
}

/* GET /v2/<name>/_mod_oci/manifests/<reference> */
oci_error_t *oci_manifest_details_get(oci_request_t *request)
{
    apr_pool_t *pool = request->r->pool;
    oci_details_t details = { .request = request,
                              .reading = { MANIFESTS_MAX, BYTES_MAX,
                                           oci_details_may_read, request } };
    oci_manifest_t manifest;
    oci_document_t *document;
    oci_error_t *error = request->check_get(request, "manifests",
                                            request->route.reference);

    if (error || (error = find_manifest(&manifest, request))) {
        return error;
    }
    details.manifest = &manifest;
    details.document = oci_document_parse(&document, manifest.media_type,
                                          manifest.data, manifest.size, pool)
        ? NULL
        : document;
    apr_pool_create(&details.scratch, pool);
    oci_json_reply_begin(&details.json, request);
    error = write_details(&details);
    return error ? error : oci_json_reply_send(&details.json);
}
