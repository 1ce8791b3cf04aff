/* Licensed under the Apache License, Version 2.0 (the "License"); you may
 * not use this file except in compliance with the License.  You may obtain
 * a copy of the License at http://www.apache.org/licenses/LICENSE-2.0
 *
 * Unless required by applicable law or agreed to in writing, software
 * distributed under the License is distributed on an "AS IS" BASIS,
 * WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
 * See the License for the specific language governing permissions and
 * limitations under the License.
 */

#include "httpd.h"
#include "http_config.h"
#include "http_core.h"
#include "http_protocol.h"
#include "util_filter.h"
#include "apr_atomic.h"
#include "apr_strings.h"

#include "api/body.h"

/* httpd hands a body out in pieces of 8000 bytes at most, each in a buffer of
 * its own.  So many are gathered before they go on: the more, the less often
 * one thread has to wait for the other, as long as they stay in the processor's
 * cache.  Where many bodies come at once, memory is dearer. */
#define GATHER_PIECES 48
#define GATHER_BYTES  (192 * 1024)
#define MANY_BODIES   2
#define MANY_PIECES   24
#define MANY_BYTES    (96 * 1024)

/* What is read for nothing of a refused body, to keep a connection. */
#define SKIP_AT_MOST  (64 * 1024)

apr_off_t oci_body_length(const request_rec *r)
{
    const char *text = apr_table_get(r->headers_in, "Content-Length");
    apr_off_t length;

    if (apr_table_get(r->headers_in, "Transfer-Encoding")) {
        return -1;
    }
    if (!text) {
        /* over HTTP/2 a body needs no length */
        return r->proto_num < HTTP_VERSION(2, 0) ? 0 : -1;
    }
    return ap_parse_strict_length(&length, text) ? length : -1;
}

void oci_body_leave(request_rec *r)
{
    apr_off_t length = oci_body_length(r);

    if (length < 0 || length > SKIP_AT_MOST
        || (length && r->expecting_100)) {
        r->connection->keepalive = AP_CONN_CLOSE;
    }
}

static oci_error_t *too_large(const oci_request_t *request,
                              const oci_body_limit_t *limit)
{
    apr_pool_t *pool = request->r->pool;

    return oci_error_make(pool, limit->code, "limit",
                          apr_off_t_toa(pool, limit->bytes),
                          "the body is larger than the %" APR_OFF_T_FMT
                          " bytes that %s allows", limit->bytes,
                          limit->directive);
}

static oci_body_limit_t httpd_limit(const oci_request_t *request)
{
    oci_body_limit_t limit = { ap_get_limit_req_body(request->r),
                               OCI_E_TOO_LARGE, "LimitRequestBody" };

    return limit;
}

oci_error_t *oci_body_expect(oci_request_t *request,
                             const oci_body_limit_t *limit)
{
    const char *coding = apr_table_get(request->r->headers_in,
                                       "Transfer-Encoding");
    apr_off_t length = oci_body_length(request->r);
    oci_body_limit_t httpds = httpd_limit(request);

    if (coding && ap_cstr_casecmp(coding, "chunked")) {
        /* httpd would take the last of several for all */
        return oci_error_make(request->r->pool, OCI_E_REQUEST_INVALID,
                              "encoding", coding, "the only "
                              "Transfer-Encoding is chunked");
    }
    if (limit->bytes && length > limit->bytes) {
        return too_large(request, limit);
    }
    if (httpds.bytes && length > httpds.bytes) {
        return too_large(request, &httpds);
    }
    return NULL;
}

static oci_error_t *read_error(const oci_request_t *request, apr_status_t rv)
{
    apr_pool_t *pool = request->r->pool;
    oci_body_limit_t limit;
    oci_error_t *error;

    /* the next request could not be told from what is left of this one */
    request->r->connection->keepalive = AP_CONN_CLOSE;

    if (APR_STATUS_IS_TIMEUP(rv)) {
        error = oci_error_make(pool, OCI_E_TIMEOUT, NULL, NULL,
                               "the body did not arrive in time");
    }
    else if (APR_STATUS_IS_ENOSPC(rv)) {
        limit = httpd_limit(request);
        error = too_large(request, &limit);
    }
    else if (APR_STATUS_IS_EOF(rv) || rv == APR_INCOMPLETE
             || APR_STATUS_IS_ECONNRESET(rv)
             || APR_STATUS_IS_ECONNABORTED(rv)
             || APR_STATUS_IS_EPIPE(rv)) {
        error = oci_error_make(pool, OCI_E_BODY_INCOMPLETE, NULL, NULL,
                               "the body ended early");
    }
    else {
        error = oci_error_make(pool, OCI_E_REQUEST_INVALID, NULL, NULL,
                               "the body is not properly encoded");
    }
    error->status = rv;
    return error;
}

static int is_complete(const apr_bucket_brigade *bb)
{
    return !APR_BRIGADE_EMPTY(bb) && APR_BUCKET_IS_EOS(APR_BRIGADE_LAST(bb));
}

/* Add a piece behind what bb has.  Its data may lie in a buffer that the next
 * read uses again, as mod_ssl's does. */
static apr_status_t keep_piece(apr_bucket_brigade *bb,
                               apr_bucket_brigade *piece, apr_pool_t *pool)
{
    apr_bucket *b;

    for (b = APR_BRIGADE_FIRST(piece); b != APR_BRIGADE_SENTINEL(piece);
         b = APR_BUCKET_NEXT(b)) {
        apr_status_t rv = apr_bucket_setaside(b, pool);

        if (rv != APR_SUCCESS && rv != APR_ENOTIMPL) {
            return rv;
        }
    }
    APR_BRIGADE_CONCAT(bb, piece);
    return APR_SUCCESS;
}

/* Read on behind what bb has, until it is worth a write.  What came before
 * an error is in bb all the same. */
static apr_status_t gather(oci_request_t *request, apr_bucket_brigade *bb,
                           apr_bucket_brigade *piece)
{
    request_rec *r = request->r;
    int many = apr_atomic_read32(request->bodies) > MANY_BODIES;
    int most_pieces = many ? MANY_PIECES : GATHER_PIECES;
    apr_off_t most_bytes = many ? MANY_BYTES : GATHER_BYTES;
    apr_off_t bytes = 0;
    int pieces;

    for (pieces = 0; pieces < most_pieces && bytes < most_bytes
                     && !is_complete(bb); pieces++) {
        apr_off_t length;
        apr_status_t rv = ap_get_brigade(r->input_filters, piece,
                                         AP_MODE_READBYTES, APR_BLOCK_READ,
                                         GATHER_BYTES);

        if (rv != APR_SUCCESS) {
            return rv;
        }
        if (apr_brigade_length(piece, 1, &length) == APR_SUCCESS) {
            bytes += length;
        }
        rv = keep_piece(bb, piece, r->pool);
        if (rv != APR_SUCCESS) {
            return rv;
        }
    }
    return APR_SUCCESS;
}

/* Where a body goes. */
typedef struct passage_t {
    oci_body_sink_t    *sink;
    void               *baton;
    apr_bucket_brigade *passed;    /* what the sink has still in use */
} passage_t;

/* Pass the first buckets with data of bb on. */
static oci_error_t *pass_some(oci_request_t *request, apr_bucket_brigade *bb,
                              const passage_t *passage)
{
    struct iovec vec[GATHER_PIECES];
    apr_bucket *b = APR_BRIGADE_FIRST(bb);
    oci_error_t *error;
    int n = 0;

    while (b != APR_BRIGADE_SENTINEL(bb) && n < GATHER_PIECES) {
        const char *data;
        apr_size_t length = 0;
        apr_status_t rv = APR_SUCCESS;

        if (!APR_BUCKET_IS_METADATA(b)) {
            rv = apr_bucket_read(b, &data, &length, APR_BLOCK_READ);
        }
        if (rv != APR_SUCCESS) {
            return read_error(request, rv);
        }
        if (length) {
            vec[n].iov_base = (char *)data;
            vec[n++].iov_len = length;
            request->received += length;
        }
        b = APR_BUCKET_NEXT(b);
    }
    error = n ? passage->sink(passage->baton, vec, n) : NULL;
    apr_brigade_cleanup(passage->passed);
    while (APR_BRIGADE_FIRST(bb) != b) {
        apr_bucket *head = APR_BRIGADE_FIRST(bb);

        APR_BUCKET_REMOVE(head);
        APR_BRIGADE_INSERT_TAIL(passage->passed, head);
    }
    return error;
}

/* Pass all of bb on, if the body may be so long. */
static oci_error_t *pass_all(oci_request_t *request, apr_bucket_brigade *bb,
                             const oci_body_limit_t *limit,
                             const passage_t *passage)
{
    oci_error_t *error = NULL;
    apr_off_t length;

    if (limit->bytes && apr_brigade_length(bb, 1, &length) == APR_SUCCESS
        && request->received + length > limit->bytes) {
        return too_large(request, limit);
    }
    while (!error && !APR_BRIGADE_EMPTY(bb)) {
        error = pass_some(request, bb, passage);
    }
    return error;
}

oci_error_t *oci_body_read(oci_request_t *request,
                           const oci_body_limit_t *limit,
                           oci_body_sink_t *sink, void *baton)
{
    request_rec *r = request->r;
    apr_bucket_alloc_t *alloc = r->connection->bucket_alloc;
    apr_bucket_brigade *bb = apr_brigade_create(r->pool, alloc);
    apr_bucket_brigade *piece = apr_brigade_create(r->pool, alloc);
    passage_t passage = { sink, baton, apr_brigade_create(r->pool, alloc) };
    oci_error_t *error = oci_body_expect(request, limit);
    apr_status_t rv = APR_SUCCESS;
    int complete = 0;

    apr_atomic_inc32(request->bodies);
    while (!error && rv == APR_SUCCESS && !complete) {
        rv = gather(request, bb, piece);
        complete = is_complete(bb);
        error = pass_all(request, bb, limit, &passage);
    }
    apr_atomic_dec32(request->bodies);
    sink(baton, NULL, 0);
    apr_brigade_destroy(passage.passed);
    apr_brigade_destroy(bb);
    return !error && rv != APR_SUCCESS ? read_error(request, rv) : error;
}
