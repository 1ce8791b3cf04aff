/* SPDX-License-Identifier: Apache-2.0 */

/* /v2/<name>/blobs/uploads/: upload sessions and mounts. */

#include "http_protocol.h"
#include "apr_strings.h"

#include "api/body.h"
#include "api/endpoints.h"
#include "api/reply.h"
#include "registry/blob.h"
#include "registry/upload_write.h"
#include "values/name.h"
#include "values/range.h"

/* How long a closing PUT waits for another request to the same upload, and the
 * interval of its attempts. */
#define CLAIM_WAIT apr_time_from_sec(2)
#define CLAIM_STEP apr_time_from_msec(20)

/* At most this many repositories are tried for a mount without "from". */
#define SOURCES 8

/* Set the headers that describe an upload: Location, Range and id. */
static void set_upload_headers(oci_request_t *request,
                               const oci_upload_t *upload)
{
    oci_reply_location(request, "%s/blobs/uploads/%s", upload->repository.name,
                       upload->id);
    oci_reply_header(request, "Range",
                     apr_psprintf(request->r->pool, "0-%" APR_OFF_T_FMT,
                                  upload->size ? upload->size - 1 : 0));
    oci_reply_header(request, "Docker-Upload-UUID", upload->id);
}

static oci_error_t *reply_stored(oci_request_t *request, const char *digest)
{
    oci_reply_location(request, "%s/blobs/%s", request->route.name, digest);
    oci_reply_header(request, "Docker-Content-Digest", digest);
    return oci_reply_empty(request, HTTP_CREATED);
}

/* Read a parameter that is a digest.
 * @param digest Set to NULL if it is absent */
static oci_error_t *read_digest(const char **digest, oci_request_t *request,
                                const char *parameter)
{
    *digest = apr_table_get(request->query, parameter);
    if (*digest && !oci_digest_valid(*digest)) {
        return oci_error_make(request->r->pool, OCI_E_DIGEST_INVALID, "digest",
                              *digest,
                              "the parameter %s is not a valid digest: "
                              "expected \"sha256:\" and 64, or \"sha512:\" and "
                              "128, lower-case hex digits",
                              parameter);
    }
    return NULL;
}

static oci_error_t *sink_write(void *baton, const struct iovec *vec, int n,
                               apr_pool_t *pool)
{
    return oci_upload_write(baton, vec, n, pool);
}

static void sink_digest(void *baton, const struct iovec *vec, int n)
{
    oci_upload_hash(baton, vec, n);
}

/* Save the state, because the client may continue in another request. */
static oci_error_t *sink_pause(void *baton, apr_pool_t *pool)
{
    return oci_upload_save_early(baton, pool);
}

static const oci_body_sink_t sink = { sink_write, sink_digest, sink_pause };

/* Read Content-Range.
 * @param range Its length is -1 without the header */
static oci_error_t *read_content_range(oci_range_t *range,
                                       oci_request_t *request)
{
    request_rec *r = request->r;
    const char *header = apr_table_get(r->headers_in, "Content-Range");

    range->length = -1;
    if (!header) {
        return NULL;
    }
    if (oci_content_range_parse(range, header) != APR_SUCCESS) {
        return oci_error_make(r->pool, OCI_E_UPLOAD_INVALID, "range", header,
                              "Content-Range must be the offsets of the "
                              "first and the last byte, such as 0-1023");
    }
    return NULL;
}

/* Check that Content-Length agrees with Content-Range. */
static oci_error_t *check_length(oci_request_t *request,
                                 const oci_range_t *range)
{
    request_rec *r = request->r;
    apr_off_t length = oci_body_length(r);

    if (range->length < 0 || length < 0 || length == range->length) {
        return NULL;
    }
    return oci_error_make(r->pool, OCI_E_SIZE_INVALID, "range",
                          apr_table_get(r->headers_in, "Content-Range"),
                          "Content-Length is %" APR_OFF_T_FMT
                          ", but Content-Range has %" APR_OFF_T_FMT " bytes",
                          length, range->length);
}

/* Check that the request's bytes begin at the end of the upload. */
static oci_error_t *check_offset(oci_request_t *request,
                                 const oci_upload_t *upload,
                                 const oci_range_t *range)
{
    if (range->length < 0 || range->first == upload->size) {
        return NULL;
    }
    set_upload_headers(request, upload);
    return oci_error_make(request->r->pool, OCI_E_UPLOAD_RANGE, "offset",
                          apr_off_t_toa(request->r->pool, upload->size),
                          "the request's bytes begin at offset %" APR_OFF_T_FMT
                          ", but the upload continues at offset "
                          "%" APR_OFF_T_FMT,
                          range->first, upload->size);
}

static oci_body_limit_t body_limit(const oci_request_t *request,
                                   const oci_range_t *range)
{
    oci_body_limit_t limit = { request->policy.max_chunk, OCI_E_TOO_LARGE,
                               "OCIMaxUploadChunkSize" };

    if (range->length >= 0 && (!limit.bytes || range->length < limit.bytes)) {
        limit.bytes = range->length;
        limit.code = OCI_E_SIZE_INVALID;
        limit.directive = "Content-Range";
    }
    return limit;
}

/* Claim an upload.  A client may repeat a closing PUT while the first one is
 * still running, so a PUT waits a moment for the claim. */
static oci_error_t *claim(oci_upload_t **upload, oci_request_t *request)
{
    request_rec *r = request->r;
    apr_time_t until = apr_time_now() + CLAIM_WAIT;
    oci_error_t *error;

    do {
        error = oci_upload_claim(upload, r->pool);
        if (!error || error->code != OCI_E_UPLOAD_RANGE
            || r->method_number != M_PUT) {
            break;
        }
        apr_sleep(CLAIM_STEP);
    } while (apr_time_now() < until);
    if (error && error->code == OCI_E_UPLOAD_RANGE) {
        set_upload_headers(request, *upload);
    }
    return error;
}

/* Find the upload of a request with a body, and claim it.  Every check that
 * needs no body is made here, before the body is read. */
static oci_error_t *open_upload(oci_upload_t **upload, oci_range_t *range,
                                oci_request_t *request)
{
    oci_body_limit_t limit;
    oci_error_t *error;

    if ((error = read_content_range(range, request))) {
        return error;
    }
    error = oci_upload_find(upload, &request->repository,
                            request->route.reference, request->r->pool);
    if (error || (error = check_offset(request, *upload, range))
        || (error = check_length(request, range))) {
        return error;
    }
    limit = body_limit(request, range);
    if ((error = oci_body_expect(request, &limit))) {
        return error;
    }
    error = claim(upload, request);
    return error ? error : check_offset(request, *upload, range);
}

/* Open an upload, and verify the bytes that the request will append to. */
static oci_error_t *open_to_append(oci_upload_t **upload, oci_range_t *range,
                                   oci_request_t *request)
{
    oci_error_t *error = open_upload(upload, range, request);

    if (!error && range->length < 0 && ap_request_has_body(request->r)) {
        error = oci_upload_rewind(*upload, request->r->pool);
    }
    return error ? error : oci_upload_verify(*upload, request->r->pool);
}

/* Append the body.  If the client stops before its end, the received part is
 * kept, so that the client can continue. */
static oci_error_t *append_body(oci_request_t *request, oci_upload_t *upload,
                                const oci_range_t *range)
{
    oci_body_limit_t limit = body_limit(request, range);
    oci_error_t *error;

    if (range->length < 0) {
        oci_upload_begin_body(upload, request->r->pool);
    }
    else {
        oci_upload_end_body(upload);
    }
    error = oci_body_read(request, &limit, &sink, upload);
    if (error
        && (error->code == OCI_E_BODY_INCOMPLETE
            || error->code == OCI_E_TIMEOUT)) {
        oci_error_t *failure = oci_upload_save(upload, request->r->pool);

        return failure ? failure : error;
    }
    oci_upload_end_body(upload);
    if (!error && range->length >= 0 && request->received != range->length) {
        error = oci_error_make(request->r->pool, OCI_E_SIZE_INVALID, "size",
                               apr_off_t_toa(request->r->pool,
                                             request->received),
                               "the body has %" APR_OFF_T_FMT " bytes, but "
                               "Content-Range has %" APR_OFF_T_FMT,
                               request->received, range->length);
    }
    return error;
}

/* Find a repository that has the blob and that the caller may pull from.  If
 * there is none, the same number of questions is asked in every case, so that
 * the caller cannot tell from the time whether other repositories have the
 * blob.
 * @param from Set to its name, or NULL */
static oci_error_t *find_any_source(const char **from, oci_request_t *request,
                                    const char *digest)
{
    apr_array_header_t *names;
    oci_error_t *error = oci_blob_holders(&names, &request->registry, digest,
                                          SOURCES, request->r->pool);
    int i, allowed = 0;

    *from = NULL;
    for (i = 0; !error && !allowed && i < names->nelts; i++) {
        *from = APR_ARRAY_IDX(names, i, const char *);
        error = request->may_mount(&allowed, request, *from, digest);
    }
    for (; !error && !allowed && !request->lists_all && i < SOURCES; i++) {
        request->may_list(request, request->route.name);
    }
    if (!allowed) {
        *from = NULL;
    }
    return error;
}

/* Find the repository to mount a blob from.
 * @param from Set to its name, or NULL */
static oci_error_t *find_source(const char **from, oci_request_t *request,
                                const char *digest)
{
    oci_error_t *error;
    int allowed;

    *from = apr_table_get(request->query, "from");
    if (!*from) {
        return find_any_source(from, request, digest);
    }
    if (!oci_name_valid(*from)) {
        *from = NULL;
        return NULL;
    }
    error = request->may_mount(&allowed, request, *from, digest);
    if (!allowed) {
        *from = NULL;
    }
    return error;
}

/* POST ?mount=<digest>&from=<name>
 * @param mounted Set to whether the blob was mounted; if not, the client
 *        uploads it */
static oci_error_t *mount_blob(int *mounted, oci_request_t *request,
                               const char *digest)
{
    const char *from;
    oci_error_t *error = find_source(&from, request, digest);

    *mounted = 0;
    if (error || !from) {
        return error;
    }
    error = oci_blob_mount(&request->repository, digest, from,
                           request->r->pool);
    *mounted = !error;
    return error && error->code != OCI_E_BLOB_UNKNOWN ? error : NULL;
}

/* POST ?digest=<digest>: the entire blob in one request. */
static oci_error_t *post_blob(oci_request_t *request, const char *digest)
{
    apr_pool_t *pool = request->r->pool;
    oci_range_t range = { 0, -1 };
    oci_body_limit_t limit = body_limit(request, &range);
    oci_upload_t *upload;
    oci_error_t *error = oci_body_expect(request, &limit);

    if (error) {
        return error;
    }
    error = oci_upload_begin_once(&upload, &request->repository,
                                  oci_digest_algorithm(digest), pool);
    if (error) {
        return error;
    }
    error = append_body(request, upload, &range);
    if (!error) {
        error = oci_upload_finish(upload, digest, pool);
    }
    if (error) {
        oci_upload_cancel(upload, pool);
    }
    oci_upload_release(upload);
    return error ? error : reply_stored(request, digest);
}

/* POST: a new upload session. */
static oci_error_t *post_upload(oci_request_t *request)
{
    apr_pool_t *pool = request->r->pool;
    const char *name = apr_table_get(request->query, "digest-algorithm");
    oci_algorithm_e algorithm = OCI_SHA256;
    oci_upload_t *upload;
    oci_error_t *error;

    if (name && oci_algorithm_parse(&algorithm, name) != APR_SUCCESS) {
        return oci_error_make(pool, OCI_E_DIGEST_INVALID, "digest-algorithm",
                              name,
                              "this digest algorithm is not supported; use "
                              "sha256 or sha512");
    }
    error = oci_upload_begin(&upload, &request->repository, algorithm, pool);
    if (error) {
        return error;
    }
    set_upload_headers(request, upload);
    if (request->policy.min_chunk) {
        oci_reply_header(request, "OCI-Chunk-Min-Length",
                         apr_off_t_toa(pool, request->policy.min_chunk));
    }
    return oci_reply_empty(request, HTTP_ACCEPTED);
}

/* POST /v2/<name>/blobs/uploads/ */
oci_error_t *oci_uploads_post(oci_request_t *request)
{
    const char *digest;
    oci_error_t *error = read_digest(&digest, request, "mount");
    int mounted;

    if (error) {
        return error;
    }
    if (digest) {
        if ((error = mount_blob(&mounted, request, digest))) {
            return error;
        }
        if (mounted) {
            return reply_stored(request, digest);
        }
    }
    if ((error = read_digest(&digest, request, "digest"))) {
        return error;
    }
    return digest ? post_blob(request, digest) : post_upload(request);
}

/* GET /v2/<name>/blobs/uploads/<id> */
oci_error_t *oci_uploads_get(oci_request_t *request)
{
    oci_upload_t *upload;
    oci_error_t *error = oci_upload_find(&upload, &request->repository,
                                         request->route.reference,
                                         request->r->pool);

    if (error) {
        return error;
    }
    set_upload_headers(request, upload);
    return oci_reply_empty(request, HTTP_NO_CONTENT);
}

/* PATCH /v2/<name>/blobs/uploads/<id> */
oci_error_t *oci_uploads_patch(oci_request_t *request)
{
    oci_upload_t *upload = NULL;
    oci_range_t range;
    oci_error_t *error = open_to_append(&upload, &range, request);

    if (!error) {
        error = append_body(request, upload, &range);
    }
    if (!error) {
        error = oci_upload_save(upload, request->r->pool);
    }
    oci_upload_release(upload);
    if (error) {
        return error;
    }
    set_upload_headers(request, upload);
    return oci_reply_empty(request, HTTP_ACCEPTED);
}

/* Whether a closing PUT may be the repetition of one that succeeded: the upload
 * is over, and the repository holds the blob. */
static oci_error_t *is_repeated(int *repeated, oci_request_t *request,
                                const char *digest)
{
    apr_pool_t *pool = request->r->pool;
    oci_blob_t blob;
    oci_error_t *error = oci_upload_ended(repeated, &request->repository,
                                          request->route.reference, pool);

    if (error || !*repeated) {
        return error;
    }
    error = oci_blob_stat(&blob, &request->repository, digest, pool);
    error = error ? error : oci_blob_release(&blob, &request->repository, pool);
    *repeated = !error;
    return error && error->code != OCI_E_BLOB_UNKNOWN ? error : NULL;
}

/* The rest of a PUT, on the upload that it has claimed. */
static oci_error_t *close_upload(oci_request_t *request, oci_upload_t *upload,
                                 const oci_range_t *range, const char *digest)
{
    apr_pool_t *pool = request->r->pool;
    oci_error_t *error = oci_upload_rehash(upload, oci_digest_algorithm(digest),
                                           pool);

    if (!error) {
        error = append_body(request, upload, range);
    }
    return error ? error : oci_upload_finish(upload, digest, pool);
}

/* PUT /v2/<name>/blobs/uploads/<id>?digest=<digest> */
oci_error_t *oci_uploads_put(oci_request_t *request)
{
    const char *digest;
    oci_upload_t *upload = NULL;
    oci_range_t range;
    oci_error_t *error = read_digest(&digest, request, "digest"), *failure;
    int repeated = 0;

    if (error) {
        return error;
    }
    if (!digest) {
        return oci_error_make(request->r->pool, OCI_E_DIGEST_INVALID, NULL,
                              NULL, "the parameter digest is missing");
    }
    error = open_to_append(&upload, &range, request);
    if (!error) {
        error = close_upload(request, upload, &range, digest);
    }
    else if (error->code == OCI_E_UPLOAD_UNKNOWN && !error->note) {
        failure = is_repeated(&repeated, request, digest);
        error = failure ? failure : error;
    }
    oci_upload_release(upload);
    if (repeated) {
        oci_body_leave(request->r);
    }
    return error && !repeated ? error : reply_stored(request, digest);
}

/* DELETE /v2/<name>/blobs/uploads/<id> */
oci_error_t *oci_uploads_delete(oci_request_t *request)
{
    oci_upload_t *upload = NULL;
    oci_range_t range;
    oci_error_t *error = open_upload(&upload, &range, request);

    if (!error) {
        error = oci_upload_cancel(upload, request->r->pool);
    }
    oci_upload_release(upload);
    return error ? error : oci_reply_empty(request, HTTP_NO_CONTENT);
}
