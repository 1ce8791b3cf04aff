/* SPDX-License-Identifier: Apache-2.0 */

/* The referrers of a manifest, as a part of its details: those whose subject it
 * is, and those that clients keep under a tag with its digest. */

#include <string.h>

#include "apr_strings.h"

#include "api/manifest_details.h"
#include "registry/referrer.h"
#include "values/artifact_kind.h"
#include "values/digest.h"
#include "values/json_check.h"
#include "values/json_span.h"
#include "values/name.h"

/* The most referrers in a reply, and the most bytes of their descriptors. */
#define REFERRERS_MAX   200
#define DESCRIPTORS_MAX (1024 * 1024)

/* Write a referrer from its descriptor. */
static void write_descriptor(oci_json_reply_t *json,
                             const oci_referrer_t *referrer, apr_pool_t *pool)
{
    enum { MEDIA_TYPE, ARTIFACT_TYPE, SIZE, ANNOTATIONS, COUNT };
    static const char *const names[COUNT] = { "mediaType", "artifactType",
                                              "size", "annotations" };
    static const char *const predicate[] = { OCI_PREDICATE_ANNOTATION };
    const char *text = referrer->descriptor;
    oci_span_t members[COUNT], value;
    const char *type;

    oci_json_begin(json, NULL, "{");
    oci_json_string(json, "digest", referrer->digest);
    if (!oci_json_check(text, strlen(text), pool)) {
        oci_span_members(members, oci_span_of(text, strlen(text)), names,
                         COUNT);
        oci_span_members(&value, members[ANNOTATIONS], predicate, 1);
        type = oci_span_text(members[ARTIFACT_TYPE], pool);
        oci_json_string(json, "mediaType",
                        oci_span_text(members[MEDIA_TYPE], pool));
        oci_json_string(json, "artifactType", type);
        oci_json_value(json, "size", members[SIZE].text, members[SIZE].size);
        oci_json_string(json, "kind",
                        oci_artifact_kind(type, NULL,
                                          oci_span_text(value, pool)));
        if (oci_span_is_object(members[ANNOTATIONS])) {
            oci_json_annotations(json, "annotations",
                                 oci_span_compact(members[ANNOTATIONS], pool),
                                 pool);
        }
    }
    oci_json_end(json, "}");
}

static oci_error_t *write_listed(int *more, oci_details_t *details)
{
    oci_request_t *request = details->request;
    oci_referrer_query_t query = { .subject = details->manifest->digest,
                                   .bytes = DESCRIPTORS_MAX };
    apr_array_header_t *referrers;
    oci_error_t *error;
    int i;

    *more = 0;
    if (!request->may_get(request, "referrers", query.subject)) {
        return NULL;
    }
    error = oci_referrer_list(&referrers, more, &request->repository, &query,
                              details->scratch);
    if (error) {
        return oci_details_step_over(request, error);
    }
    for (i = 0; i < referrers->nelts && i < REFERRERS_MAX; i++) {
        write_descriptor(&details->json,
                         &APR_ARRAY_IDX(referrers, i, oci_referrer_t),
                         details->scratch);
    }
    *more |= referrers->nelts > i;
    return NULL;
}

/* Write the referrer under a tag, if there is one that the caller may pull. */
static oci_error_t *write_tagged(oci_details_t *details, const char *tag,
                                 const char *kind)
{
    oci_request_t *request = details->request;
    oci_json_reply_t *json = &details->json;
    apr_pool_t *pool = details->scratch;
    oci_manifest_t manifest;
    oci_document_t *document;
    oci_error_t *error;

    if (!oci_tag_valid(tag) || !request->may_get(request, "manifests", tag)) {
        return NULL;
    }
    error = oci_manifest_get(&manifest, &request->repository, tag, pool);
    if (error) {
        return oci_details_step_over(request, error);
    }
    oci_json_begin(json, NULL, "{");
    oci_json_string(json, "digest", manifest.digest);
    oci_json_string(json, "mediaType", manifest.media_type);
    oci_json_number(json, "size", (apr_int64_t)manifest.size);
    oci_json_string(json, "tag", tag);
    if (!oci_document_parse(&document, manifest.media_type, manifest.data,
                            manifest.size, pool)) {
        oci_json_string(json, "artifactType", document->artifact_type);
        kind = kind ? kind : oci_details_kind(&manifest, document, pool);
        oci_json_annotations(json, "annotations", document->annotations, pool);
    }
    oci_json_string(json, "kind", kind);
    oci_json_end(json, "}");
    return NULL;
}

oci_error_t *oci_details_referrers(oci_details_t *details)
{
    static const struct {
        const char *suffix;
        const char *kind; /* NULL: that of the manifest */
    } tags[] = {
        { ".sig", "signature" },
        { ".att", "attestation" },
        { ".sbom", "sbom" },
        { "", NULL },
    };
    char *base = apr_pstrdup(details->request->r->pool,
                             details->manifest->digest);
    oci_error_t *error;
    unsigned i;
    int more;

    *strchr(base, ':') = '-';
    oci_json_begin(&details->json, "referrers", "[");
    error = write_listed(&more, details);
    for (i = 0; i < sizeof(tags) / sizeof(tags[0]) && !error; i++) {
        error = write_tagged(details,
                             apr_pstrcat(details->scratch, base, tags[i].suffix,
                                         NULL),
                             tags[i].kind);
    }
    oci_json_end(&details->json, "]");
    oci_json_true(&details->json, "moreReferrers", more);
    return error;
}
