/* SPDX-License-Identifier: Apache-2.0 */

/* /v2/<name>/manifests/<reference>: pull, push and delete a manifest. */

#include "httpd.h"
#include "http_config.h"
#include "http_log.h"
#include "http_protocol.h"
#include "apr_strings.h"

#include "api/body.h"
#include "api/endpoints.h"
#include "api/reply.h"
#include "registry/manifest.h"
#include "registry/manifest_change.h"
#include "registry/manifest_delete.h"
#include "registry/pull_time.h"
#include "values/digest.h"
#include "values/immutable.h"
#include "values/name.h"

APLOG_USE_MODULE(oci);

/* The longest OCI-Tag header, in bytes.  Node.js rejects responses whose
 * headers exceed 16 KiB, and Python those with more than 100 headers; so all
 * tags are in one header of at most half that size. */
#define TAGS_BYTES 8192

/* A client that pushes an index asks by HEAD which of its manifests it need not
 * push.  Keep garbage collection from deleting this one soon; which command
 * deletes those without a tag is not known here. */
static oci_error_t *release(const oci_request_t *request, const char *digest)
{
    return request->r->header_only && !request->policy.read_only
        ? oci_manifest_release(&request->repository, digest, request->r->pool)
        : NULL;
}

/* Remember when a manifest was pulled, for garbage collection.  A pull succeeds
 * also if its time cannot be remembered. */
static void note_pull(oci_request_t *request, const char *digest)
{
    request_rec *r = request->r;
    oci_error_t *error = !r->header_only && request->dates_pulls
        ? oci_pull_time_set(&request->repository, digest, r->pool)
        : NULL;

    if (error) {
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, error->status, r,
                      "oci: the time of this pull is not recorded: %s",
                      error->note);
    }
}

/* Read a manifest, and release it.  A digest is released first, so that the
 * manifest, if it is still there, will stay; a tag has kept it until now. */
static oci_error_t *read_released(oci_manifest_t *manifest,
                                  oci_request_t *request)
{
    const char *reference = request->route.reference;
    int by_digest = oci_digest_valid(reference);
    oci_error_t *failure = by_digest ? release(request, reference) : NULL;
    oci_error_t *error = oci_manifest_get(manifest, &request->repository,
                                          reference, request->r->pool);

    if (error) {
        return error;
    }
    if (!by_digest) {
        failure = release(request, manifest->digest);
    }
    return oci_reply_released(request, failure);
}

/* GET /v2/<name>/manifests/<reference> */
oci_error_t *oci_manifests_get(oci_request_t *request)
{
    oci_manifest_t manifest;
    oci_error_t *error = read_released(&manifest, request);
    int answered;

    if (error) {
        return error;
    }
    note_pull(request, manifest.digest);
    oci_reply_digest(request, manifest.digest);
    error = oci_reply_conditions(&answered, request, manifest.digest,
                                 OCI_E_MANIFEST_CHANGED);
    if (error || answered) {
        return error;
    }
    /* the media type is the client's choice: a browser must not treat the
     * content as a page of this host */
    oci_reply_header(request, "Content-Security-Policy",
                     "default-src 'none'; sandbox");
    return oci_reply_data(request, manifest.media_type, manifest.data,
                          manifest.size);
}

/* The body of a push, collected in memory. */
typedef struct collected_t {
    char *data;
    apr_size_t size;
    apr_size_t allocated;
} collected_t;

static oci_error_t *collect(void *baton, const struct iovec *vec, int n,
                            apr_pool_t *pool)
{
    collected_t *body = baton;
    int i;

    for (i = 0; i < n; i++) {
        apr_size_t needed = body->size + vec[i].iov_len;

        if (needed > body->allocated) {
            char *larger;

            body->allocated = needed > 2 * body->allocated
                ? needed
                : 2 * body->allocated;
            larger = apr_palloc(pool, body->allocated);
            memcpy(larger, body->data, body->size);
            body->data = larger;
        }
        memcpy(body->data + body->size, vec[i].iov_base, vec[i].iov_len);
        body->size = needed;
    }
    return NULL;
}

static oci_error_t *read_manifest(collected_t *body, oci_request_t *request)
{
    oci_body_limit_t limit = { request->policy.max_manifest,
                               OCI_E_MANIFEST_TOO_LARGE, "OCIMaxManifestSize" };
    static const oci_body_sink_t sink = { collect, NULL, NULL };
    apr_off_t length = oci_body_length(request->r);

    body->size = 0;
    body->allocated = length > 0 && length <= limit.bytes ? (apr_size_t)length
                                                          : 8192;
    body->data = apr_palloc(request->r->pool, body->allocated);
    return oci_body_read(request, &limit, &sink, body);
}

/* The values of ?tag=, without repetitions. */
typedef struct tags_t {
    apr_array_header_t *names; /* const char * */
    apr_size_t bytes;          /* of header_value */
    const char *header_value;  /* for OCI-Tag */
    const char *invalid;       /* a value that is not a tag, or NULL */
    apr_pool_t *pool;
} tags_t;

static int add_tag(void *baton, const char *key, const char *value)
{
    tags_t *tags = baton;
    int i;

    (void)key;
    if (!oci_tag_valid(value)) {
        tags->invalid = value;
        return 0;
    }
    if (tags->bytes > TAGS_BYTES) {
        return 0;
    }
    for (i = 0; i < tags->names->nelts; i++) {
        if (!strcmp(APR_ARRAY_IDX(tags->names, i, const char *), value)) {
            return 1;
        }
    }
    tags->bytes += (tags->names->nelts ? 1 : 0) + strlen(value);
    APR_ARRAY_PUSH(tags->names, const char *) = value;
    return 1;
}

/* PUT .../manifests/<digest>?tag=<tag>&tag=<tag> */
static oci_error_t *read_tags(tags_t *tags, oci_request_t *request)
{
    apr_pool_t *pool = request->r->pool;

    tags->names = apr_array_make(pool, 1, sizeof(const char *));
    tags->bytes = 0;
    tags->invalid = NULL;
    apr_table_do(add_tag, tags, request->query, "tag", NULL);
    if (tags->invalid) {
        return oci_error_make(pool, OCI_E_TAG_INVALID, "tag", tags->invalid,
                              "the value of the parameter tag is not a valid "
                              "tag");
    }
    if (tags->names->nelts && !oci_digest_valid(request->route.reference)) {
        return oci_error_make(pool, OCI_E_REQUEST_INVALID, "reference",
                              request->route.reference,
                              "the parameter tag needs a digest in the path, "
                              "instead of a tag");
    }
    if (tags->bytes > TAGS_BYTES) {
        return oci_error_make(pool, OCI_E_URI_TOO_LONG, "limit",
                              APR_STRINGIFY(TAGS_BYTES),
                              "the tags are longer than " APR_STRINGIFY(
                                  TAGS_BYTES) " bytes together; push them "
                                              "with several requests");
    }
    tags->header_value = apr_array_pstrcat(pool, tags->names, ',');
    return NULL;
}

/* Whether the path ends with a tag that does not move once it is set. */
static int path_is_immutable(const oci_request_t *request)
{
    return !oci_digest_valid(request->route.reference)
        && oci_immutable_covers(request->policy.immutable, request->route.name,
                                request->route.reference, request->r->pool);
}

/* Check that the caller may push the tags.
 * fixed: those that do not move once they are set are added to it */
static oci_error_t *check_tags(apr_array_header_t *fixed, const tags_t *tags,
                               oci_request_t *request)
{
    oci_error_t *error = NULL;
    int i;

    if (path_is_immutable(request)) {
        APR_ARRAY_PUSH(fixed, const char *) = request->route.reference;
    }
    for (i = 0; !error && i < tags->names->nelts; i++) {
        const char *tag = APR_ARRAY_IDX(tags->names, i, const char *);
        int immutable;

        error = request->may_push_tag(&immutable, request, tag);
        if (!error && immutable) {
            APR_ARRAY_PUSH(fixed, const char *) = tag;
        }
    }
    return error;
}

static oci_condition_t read_condition(const request_rec *r)
{
    oci_condition_t condition;

    condition.match = apr_table_get(r->headers_in, "If-Match");
    condition.none_match = apr_table_get(r->headers_in, "If-None-Match");
    return condition;
}

/* The error of a push that would move an immutable tag has the digest that the
 * tag names, which is only for callers that may pull. */
static void hide_digest(oci_error_t *error, oci_request_t *request)
{
    if (error->code == OCI_E_TAG_IMMUTABLE
        && !request->may_pull_tag(request, error->value)) {
        error->message = apr_psprintf(request->r->pool,
                                      "the tag %s is immutable and cannot be "
                                      "moved; push under another tag",
                                      error->value);
    }
}

/* PUT /v2/<name>/manifests/<reference> */
oci_error_t *oci_manifests_put(oci_request_t *request)
{
    request_rec *r = request->r;
    apr_array_header_t *fixed = apr_array_make(r->pool, 1,
                                               sizeof(const char *));
    collected_t body;
    tags_t tags;
    oci_push_t push = { .reference = request->route.reference };
    oci_pushed_t pushed;
    oci_error_t *error;

    if ((error = read_tags(&tags, request))
        || (error = check_tags(fixed, &tags, request))
        || (error = read_manifest(&body, request))) {
        return error;
    }
    push.tags = tags.names;
    push.fixed = fixed;
    push.content_type = apr_table_get(r->headers_in, "Content-Type");
    push.data = body.data;
    push.size = body.size;
    push.user = r->user;
    push.condition = read_condition(r);
    error = oci_manifest_put(&pushed, &request->repository, &push, r->pool);
    if (error) {
        hide_digest(error, request);
        return error;
    }
    oci_reply_location(request, "%s/manifests/%s", request->route.name,
                       pushed.digest);
    oci_reply_header(request, "Docker-Content-Digest", pushed.digest);
    if (pushed.subject) {
        oci_reply_header(request, "OCI-Subject", pushed.subject);
    }
    if (tags.names->nelts) {
        oci_reply_header(request, "OCI-Tag", tags.header_value);
    }
    return oci_reply_empty(request, HTTP_CREATED);
}

static oci_error_t *may_delete_tag(void *baton, const char *tag)
{
    oci_request_t *request = baton;

    return request->may_delete_tag(request, tag);
}

/* DELETE /v2/<name>/manifests/<reference> */
oci_error_t *oci_manifests_delete(oci_request_t *request)
{
    oci_deletion_t deletion = { .reference = request->route.reference,
                                .condition = read_condition(request->r),
                                .immutable = path_is_immutable(request),
                                .baton = request };
    oci_error_t *error;

    if (request->asks_tags) {
        deletion.may_delete = may_delete_tag;
    }
    error = oci_manifest_delete(&request->repository, &deletion,
                                request->r->pool);
    return error ? error : oci_reply_empty(request, HTTP_ACCEPTED);
}
