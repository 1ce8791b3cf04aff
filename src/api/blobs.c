/* SPDX-License-Identifier: Apache-2.0 */

/* /v2/<name>/blobs/<digest>: pull and delete a blob. */

#include "http_core.h"
#include "http_protocol.h"
#include "http_request.h"
#include "util_filter.h"
#include "apr_strings.h"

#include "api/blob_bucket.h"
#include "api/endpoints.h"
#include "api/reply.h"
#include "registry/blob.h"
#include "values/etag.h"
#include "values/range.h"

/* The largest bucket, for systems with a small apr_size_t. */
#define BUCKET_BYTES (1024 * 1024 * 1024)

/* An open blob, and the request that asks for it. */
typedef struct opened_t {
    const oci_blob_t *blob;
    const oci_blob_source_t *source;
    const apr_array_header_t *ranges; /* of oci_range_t: what the request asks
                                         for; NULL: the entire blob */
    oci_request_t *request;
} opened_t;

/* Make a bucket for a blob, of which the reply consists of copies. */
static apr_bucket *open_bucket(const opened_t *opened)
{
    request_rec *r = opened->request->r;

    return oci_blob_bucket_create(opened->source, opened->ranges,
                                  apr_pstrcat(r->pool,
                                              opened->request->registry.blobs
                                                  ->where,
                                              "/", opened->blob->locator, NULL),
                                  r);
}

static void append_range(apr_bucket_brigade *bb, apr_bucket *all,
                         const oci_range_t *range)
{
    apr_off_t done = 0;

    while (done < range->length) {
        apr_off_t left = range->length - done;
        apr_bucket *b;

        apr_bucket_copy(all, &b);
        b->start = range->first + done;
        b->length = (apr_size_t)(left < BUCKET_BYTES ? left : BUCKET_BYTES);
        done += b->length;
        APR_BRIGADE_INSERT_TAIL(bb, b);
    }
}

/* Send a multipart reply (RFC 9110, 14.6), with a part for each range, in the
 * order of the request.  The data is not read here. */
static oci_error_t *reply_parts(const opened_t *opened)
{
    const apr_array_header_t *ranges = opened->ranges;
    request_rec *r = opened->request->r;
    apr_bucket_brigade *bb = apr_brigade_create(r->pool,
                                                r->connection->bucket_alloc);
    const char *boundary = apr_psprintf(r->pool, "%" APR_UINT64_T_HEX_FMT "%lx",
                                        (apr_uint64_t)r->request_time,
                                        (unsigned long)r->connection->id);
    apr_bucket *all = open_bucket(opened);
    apr_off_t length;
    int i;

    for (i = 0; i < ranges->nelts; i++) {
        const oci_range_t *range = &APR_ARRAY_IDX(ranges, i, oci_range_t);

        apr_brigade_printf(bb, NULL, NULL,
                           "%s--%s" CRLF
                           "Content-Type: application/octet-stream" CRLF
                           "Content-Range: bytes %" APR_OFF_T_FMT
                           "-%" APR_OFF_T_FMT "/%" APR_OFF_T_FMT CRLF CRLF,
                           i ? CRLF : "", boundary, range->first,
                           range->first + range->length - 1,
                           opened->source->size);
        append_range(bb, all, range);
    }
    apr_bucket_destroy(all);
    apr_brigade_printf(bb, NULL, NULL, CRLF "--%s--" CRLF, boundary);
    apr_brigade_length(bb, 1, &length);
    ap_set_content_type(r,
                        apr_pstrcat(r->pool, "multipart/byteranges; boundary=",
                                    boundary, NULL));
    return oci_reply_brigade(opened->request, HTTP_PARTIAL_CONTENT, bb, length);
}

static oci_error_t *reply_range(const opened_t *opened,
                                const oci_range_t *range, int partial)
{
    oci_request_t *request = opened->request;
    request_rec *r = request->r;
    apr_bucket_brigade *bb = apr_brigade_create(r->pool,
                                                r->connection->bucket_alloc);
    apr_bucket *all = open_bucket(opened);

    append_range(bb, all, range);
    apr_bucket_destroy(all);
    if (partial) {
        oci_reply_header(request, "Content-Range",
                         apr_psprintf(r->pool,
                                      "bytes %" APR_OFF_T_FMT "-%" APR_OFF_T_FMT
                                      "/%" APR_OFF_T_FMT,
                                      range->first,
                                      range->first + range->length - 1,
                                      opened->source->size));
    }
    return oci_reply_brigade(request, partial ? HTTP_PARTIAL_CONTENT : HTTP_OK,
                             bb, range->length);
}

/* Read the ranges that a GET asks for (RFC 9110, 14.2).
 * ranges: set to NULL for the entire blob, and empty if none is valid */
static void wanted_ranges(apr_array_header_t **ranges, const request_rec *r,
                          const oci_blob_t *blob)
{
    const char *range = apr_table_get(r->headers_in, "Range");
    const char *if_range = apr_table_get(r->headers_in, "If-Range");
    apr_status_t rv;

    *ranges = NULL;
    if (!range || (if_range && !oci_etag_match(if_range, blob->digest, 0))) {
        return;
    }
    rv = oci_ranges_parse(ranges, range, blob->size, r->pool);
    if (rv == APR_ENOTIMPL) {
        *ranges = NULL;
    }
    else if (rv != APR_SUCCESS) {
        apr_array_clear(*ranges);
    }
}

static oci_error_t *refuse_range(const opened_t *opened)
{
    request_rec *r = opened->request->r;
    apr_off_t size = opened->blob->size;

    oci_reply_header(opened->request, "Content-Range",
                     apr_psprintf(r->pool, "bytes */%" APR_OFF_T_FMT, size));
    return oci_error_make(r->pool, OCI_E_RANGE_UNSATISFIABLE, "range",
                          apr_table_get(r->headers_in, "Range"),
                          "the range is not valid for the blob's "
                          "%" APR_OFF_T_FMT " bytes",
                          size);
}

static oci_error_t *reply_content(const opened_t *opened)
{
    const oci_range_t entire = { 0, opened->blob->size };

    if (!opened->ranges) {
        return reply_range(opened, &entire, 0);
    }
    switch (opened->ranges->nelts) {
    case 0:
        return refuse_range(opened);
    case 1:
        return reply_range(opened,
                           &APR_ARRAY_IDX(opened->ranges, 0, oci_range_t), 1);
    default:
        return reply_parts(opened);
    }
}

/* Set the headers of a blob, and check the preconditions.
 * @param answered Set to whether the reply was sent
 */
static oci_error_t *set_headers(int *answered, oci_request_t *request,
                                const char *digest)
{
    oci_error_t *error;

    oci_reply_digest(request, digest);
    error = oci_reply_conditions(answered, request, digest, OCI_E_BLOB_CHANGED);
    if (!error && !*answered) {
        oci_reply_header(request, "Accept-Ranges", "bytes");
        ap_set_content_type(request->r, "application/octet-stream");
    }
    return error;
}

/* Redirect the client to the blob's address.  Headers about the blob's content
 * are dropped, because the address is only valid for a while. */
static oci_error_t *reply_address(oci_request_t *request, const char *url)
{
    request_rec *r = request->r;

    apr_table_unset(r->headers_out, "ETag");
    apr_table_unset(r->headers_out, "Accept-Ranges");
    ap_set_content_type(r, NULL);
    oci_reply_header(request, "Cache-Control", "private, no-store");
    oci_reply_header(request, "Location", url);
    return oci_reply_empty(request, HTTP_TEMPORARY_REDIRECT);
}

/* HEAD /v2/<name>/blobs/<digest> */
static oci_error_t *head_blob(oci_request_t *request)
{
    request_rec *r = request->r;
    oci_blob_t blob;
    oci_error_t *error = oci_blob_stat(&blob, &request->repository,
                                       request->route.reference, r->pool);
    int answered;

    /* A client that pushes asks by HEAD what it need not send. */
    if (!error && !request->policy.read_only) {
        error = oci_reply_released(request,
                                   oci_blob_release(&blob, &request->repository,
                                                    r->pool));
    }
    if (error || (error = set_headers(&answered, request, blob.digest))
        || answered) {
        return error;
    }
    return oci_reply_brigade(request, HTTP_OK,
                             apr_brigade_create(r->pool,
                                                r->connection->bucket_alloc),
                             blob.size);
}

/* GET /v2/<name>/blobs/<digest> */
oci_error_t *oci_blobs_get(oci_request_t *request)
{
    request_rec *r = request->r;
    apr_array_header_t *ranges;
    oci_blob_source_t source = { 0 };
    oci_blob_t blob;
    apr_int32_t flags = 0;
    oci_error_t *error;
    int answered;

    if (r->header_only) {
        return head_blob(request);
    }
    if (oci_blob_bucket_uses_sendfile(r)) {
        flags |= OCI_OPEN_SENDFILE;
    }
    if (request->policy.redirect
        && !apr_table_get(r->subprocess_env, "no-oci-redirect")) {
        flags |= OCI_OPEN_REDIRECT;
    }
    error = oci_blob_find(&blob, &request->repository, request->route.reference,
                          r->pool);
    if (error) {
        return error;
    }
    wanted_ranges(&ranges, r, &blob);
    if (ranges && ranges->nelts) {
        const oci_range_t *first = &APR_ARRAY_IDX(ranges, 0, oci_range_t);

        source.offset = first->first;
        source.until = first->first + first->length;
    }
    error = oci_blob_open(&source, &blob, &request->repository, flags, r->pool);
    if (error || (error = set_headers(&answered, request, blob.digest))
        || answered) {
        return error;
    }
    return source.url
        ? reply_address(request, source.url)
        : reply_content(&(opened_t){ &blob, &source, ranges, request });
}

/* Check the preconditions of a deletion. */
static oci_error_t *check_conditions(oci_request_t *request)
{
    request_rec *r = request->r;
    const char *digest = request->route.reference;
    const char *match = apr_table_get(r->headers_in, "If-Match");
    const char *none_match = apr_table_get(r->headers_in, "If-None-Match");
    oci_blob_t blob;
    oci_error_t *error;
    const char *header;

    if (!match && !none_match) {
        return NULL;
    }
    if ((error = oci_blob_stat(&blob, &request->repository, digest, r->pool))) {
        return error;
    }
    header = oci_etag_refusal(match, none_match, digest);
    if (!header) {
        return NULL;
    }
    return oci_error_make(r->pool, OCI_E_BLOB_CHANGED, "digest", digest,
                          "the condition %s is not met: the digest is %s",
                          header, digest);
}

/* DELETE /v2/<name>/blobs/<digest> */
oci_error_t *oci_blobs_delete(oci_request_t *request)
{
    oci_error_t *error = check_conditions(request);

    if (!error) {
        error = oci_blob_delete(&request->repository, request->route.reference,
                                request->r->pool);
    }
    return error ? error : oci_reply_empty(request, HTTP_ACCEPTED);
}
