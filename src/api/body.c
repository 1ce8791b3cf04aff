/* SPDX-License-Identifier: Apache-2.0 */

/* Reading the body of a request, in a few large pieces. */

#include <unistd.h>

#include "httpd.h"
#include "ap_mpm.h"
#include "http_config.h"
#include "http_core.h"
#include "http_protocol.h"
#include "util_filter.h"
#include "apr_atomic.h"
#include "apr_strings.h"

#include "api/body.h"
#include "api/pause.h"
#include "api/pipeline.h"
#include "registry/pool.h"

/* httpd returns a body in pieces of at most 8000 bytes, each in a separate
 * buffer.  These limits say how much is gathered for one write. */
#define GATHER_BYTES  (128 * 1024)
#define GATHER_PIECES 24

/* After LONG_BODY bytes, two threads share a body, if httpd's MPM is threaded
 * and there are not more bodies at once than processors.  Each thread writes
 * and digests the data that it has read, so that no data moves between the
 * caches of processors.  Larger batches reduce waiting. */
#define LONG_BODY     (8 * 1024 * 1024)
#define SHARED_BYTES  (256 * 1024)
#define SHARED_PIECES 48

/* How often reading is tried in a pause.  A part of a TLS record or of a
 * chunk's head, from which nothing can be read yet, ends a wait for the client.
 */
#define PAUSE_TRIES 100

/* The longest refused body that is skipped to keep a connection, in bytes. */
#define SKIP_AT_MOST (64 * 1024)

apr_off_t oci_body_length(const request_rec *r)
{
    const char *text = apr_table_get(r->headers_in, "Content-Length");
    apr_off_t length;

    if (apr_table_get(r->headers_in, "Transfer-Encoding")) {
        return -1;
    }
    if (!text) {
        /* in HTTP/2, a body need not have a length */
        return r->proto_num < HTTP_VERSION(2, 0) ? 0 : -1;
    }
    return ap_parse_strict_length(&length, text) ? length : -1;
}

void oci_body_leave(request_rec *r)
{
    apr_off_t length = oci_body_length(r);

    if (length < 0 || length > SKIP_AT_MOST || (length && r->expecting_100)) {
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
                          " bytes that %s allows",
                          limit->bytes, limit->directive);
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
    oci_body_limit_t httpd_max = httpd_limit(request);

    if (coding && ap_cstr_casecmp(coding, "chunked")) {
        /* if there are several, httpd would only decode the last one */
        return oci_error_make(request->r->pool, OCI_E_REQUEST_INVALID,
                              "encoding", coding,
                              "this Transfer-Encoding is not supported; use "
                              "chunked");
    }
    if (limit->bytes && length > limit->bytes) {
        return too_large(request, limit);
    }
    if (httpd_max.bytes && length > httpd_max.bytes) {
        return too_large(request, &httpd_max);
    }
    return NULL;
}

static oci_error_t *read_error(const oci_request_t *request, apr_status_t rv)
{
    apr_pool_t *pool = request->r->pool;
    oci_body_limit_t limit;
    oci_error_t *error;

    /* the rest of this body would be mistaken for the next request */
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
             || APR_STATUS_IS_ECONNRESET(rv) || APR_STATUS_IS_ECONNABORTED(rv)
             || APR_STATUS_IS_EPIPE(rv)
             /* httpd closes connections in this way when it stops */
             || APR_STATUS_IS_EBADF(rv)) {
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

/* Append a piece to bb.  It is set aside, because its data may be in a buffer
 * that the next read reuses, such as mod_ssl's. */
static apr_status_t append_piece(apr_bucket_brigade *bb,
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

/* Whether the client makes a pause. */
typedef enum { NO_PAUSE, NEW_PAUSE, REPORTED_PAUSE } pause_e;

/* A body that is being read. */
typedef struct body_stream_t {
    oci_request_t *request;
    const oci_body_limit_t *limit;
    const oci_body_sink_t *sink;
    void *baton;
    apr_uint32_t finished;  /* nothing more is read; atomic */
    int shared;             /* by two threads */
    long max_shared_bodies; /* most bodies at once that may be shared; 0 until
                             * it is known */
    oci_pipeline_t *pipeline;
    /* used by the reading stage only: */
    apr_bucket_brigade *piece;
    oci_pause_t *watch; /* NULL: do not watch for pauses */
    pause_e pause;
    apr_status_t rv; /* of the last read */
    oci_error_t *read_refusal;
    /* used by the writing stage only: */
    apr_pool_t *pool;
    oci_error_t *write_error;
} body_stream_t;

/* The data that a thread has gathered. */
typedef struct batch_t {
    body_stream_t *stream;
    apr_read_type_e block; /* whether reading may wait for the client */
    int is_written;
    apr_bucket_brigade *bb;
    apr_array_header_t *vec; /* struct iovec: the data of bb */
} batch_t;

static batch_t *make_batch(body_stream_t *stream, apr_read_type_e block)
{
    request_rec *r = stream->request->r;
    batch_t *batch = apr_palloc(r->pool, sizeof(*batch));

    batch->stream = stream;
    batch->block = block;
    batch->bb = apr_brigade_create(r->pool, r->connection->bucket_alloc);
    batch->vec = apr_array_make(r->pool, GATHER_PIECES, sizeof(struct iovec));
    return batch;
}

/* Tell the sink of a pause, after all earlier batches. */
static apr_status_t report_pause(body_stream_t *stream)
{
    apr_pool_t *pool;
    apr_status_t rv;

    oci_pipeline_drain(stream->pipeline);
    if (stream->write_error) {
        return APR_EGENERAL;
    }
    rv = oci_pool_make(&pool, stream->request->r->pool);
    if (rv != APR_SUCCESS) {
        stream->read_refusal = oci_error_storage(stream->request->r->pool, rv,
                                                 "cannot create a memory pool");
        return rv;
    }
    stream->read_refusal = stream->sink->pause(stream->baton, pool);
    if (stream->read_refusal) {
        return APR_EGENERAL;
    }
    apr_pool_destroy(pool);
    return APR_SUCCESS;
}

/* Read a piece of the body, at most left bytes.
 * @return APR_EAGAIN if there is none and block is APR_NONBLOCK_READ */
static apr_status_t read_piece(body_stream_t *stream, apr_read_type_e block,
                               apr_off_t left)
{
    apr_status_t rv = ap_get_brigade(stream->request->r->input_filters,
                                     stream->piece, AP_MODE_READBYTES, block,
                                     left);

    if (block == APR_NONBLOCK_READ && rv == APR_SUCCESS
        && APR_BRIGADE_EMPTY(stream->piece)) {
        return APR_EAGAIN;
    }
    if (rv == APR_SUCCESS) {
        stream->pause = NO_PAUSE;
    }
    return rv;
}

/* Read a piece of the body, unless the client makes a pause.
 * @return APR_EAGAIN if there is none yet */
static apr_status_t read_before_pause(body_stream_t *stream, apr_off_t left)
{
    apr_status_t rv = read_piece(stream, APR_NONBLOCK_READ, left);
    apr_status_t waited = APR_SUCCESS;
    int i;

    for (i = 0; i < PAUSE_TRIES && waited == APR_SUCCESS
         && APR_STATUS_IS_EAGAIN(rv) && stream->pause == NO_PAUSE;
         i++) {
        waited = oci_pause_wait(stream->watch);
        if (APR_STATUS_IS_TIMEUP(waited)) {
            stream->pause = NEW_PAUSE;
        }
        else if (waited == APR_SUCCESS) {
            rv = read_piece(stream, APR_NONBLOCK_READ, left);
        }
    }
    return rv;
}

/* Whether the client waits for 100 Continue, which httpd sends when a read may
 * wait, and not to HTTP/1.0. */
static int is_expecting(const request_rec *r)
{
    return r->expecting_100 && r->proto_num >= HTTP_VERSION(1, 1);
}

/* Wait for a piece of the body, and report a pause.
 * @return APR_EAGAIN if a pause began: the gathered data should be written */
static apr_status_t wait_for_piece(batch_t *batch, apr_off_t left)
{
    body_stream_t *stream = batch->stream;
    apr_status_t rv;

    if (stream->watch && !is_expecting(stream->request->r)) {
        rv = read_before_pause(stream, left);
        if (!APR_STATUS_IS_EAGAIN(rv)
            || (stream->pause == NEW_PAUSE && !APR_BRIGADE_EMPTY(batch->bb))) {
            return rv;
        }
    }
    if (stream->pause == NEW_PAUSE) {
        stream->pause = REPORTED_PAUSE;
        rv = report_pause(stream);
        if (rv != APR_SUCCESS) {
            return rv;
        }
    }
    return read_piece(stream, APR_BLOCK_READ, left);
}

/* Read until there is enough for a write, and not more, so that writes end at
 * block boundaries of the file.  Data read before an error is kept. */
static apr_status_t gather(batch_t *batch)
{
    body_stream_t *stream = batch->stream;
    apr_off_t left = stream->shared ? SHARED_BYTES : GATHER_BYTES;
    int pieces = stream->shared ? SHARED_PIECES : GATHER_PIECES;

    for (; pieces > 0 && left > 0 && !is_complete(batch->bb); pieces--) {
        apr_off_t length = 0;
        apr_status_t rv = batch->block == APR_BLOCK_READ
            ? wait_for_piece(batch, left)
            : read_piece(stream, APR_NONBLOCK_READ, left);

        if (APR_STATUS_IS_EAGAIN(rv)
            && (batch->block == APR_NONBLOCK_READ
                || stream->pause == NEW_PAUSE)) {
            break;
        }
        if (rv == APR_SUCCESS) {
            rv = apr_brigade_length(stream->piece, 1, &length);
        }
        if (rv == APR_SUCCESS) {
            rv = append_piece(batch->bb, stream->piece,
                              stream->request->r->pool);
        }
        if (rv != APR_SUCCESS) {
            return rv;
        }
        left -= length;
        stream->request->received += length;
    }
    return APR_SUCCESS;
}

/* Collect pointers to the gathered data. */
static apr_status_t collect_iovec(batch_t *batch)
{
    apr_bucket *b;

    for (b = APR_BRIGADE_FIRST(batch->bb); b != APR_BRIGADE_SENTINEL(batch->bb);
         b = APR_BUCKET_NEXT(b)) {
        apr_size_t length = 0;
        const char *data;
        apr_status_t rv = APR_BUCKET_IS_METADATA(b)
            ? APR_SUCCESS
            : apr_bucket_read(b, &data, &length, APR_BLOCK_READ);

        if (rv != APR_SUCCESS) {
            return rv;
        }
        if (length) {
            struct iovec *buffer = apr_array_push(batch->vec);

            buffer->iov_base = (char *)data;
            buffer->iov_len = length;
        }
    }
    return APR_SUCCESS;
}

/* The first stage: replace the batch's data by the next part of the body, and
 * check the limit.
 * @return Whether it is the last part */
static int read_batch(void *data)
{
    batch_t *batch = data;
    body_stream_t *stream = batch->stream;
    oci_request_t *request = stream->request;
    const oci_body_limit_t *limit = stream->limit;
    apr_status_t rv;

    apr_brigade_cleanup(batch->bb);
    apr_array_clear(batch->vec);
    if (apr_atomic_read32(&stream->finished)) {
        return 1;
    }
    stream->rv = gather(batch);
    if (limit->bytes && request->received > limit->bytes) {
        stream->read_refusal = too_large(request, limit);
    }
    else if ((rv = collect_iovec(batch)) != APR_SUCCESS) {
        stream->rv = rv;
    }
    if (stream->rv != APR_SUCCESS || stream->read_refusal
        || is_complete(batch->bb)) {
        apr_atomic_set32(&stream->finished, 1);
        return 1;
    }
    return 0;
}

static int write_batch(void *data)
{
    batch_t *batch = data;
    body_stream_t *stream = batch->stream;

    if (batch->vec->nelts && !stream->write_error) {
        stream->write_error = stream->sink
                                  ->write(stream->baton,
                                          (struct iovec *)batch->vec->elts,
                                          batch->vec->nelts, stream->pool);
    }
    batch->is_written = !stream->write_error;
    if (stream->write_error) {
        apr_atomic_set32(&stream->finished, 1);
    }
    return 0;
}

static int digest_batch(void *data)
{
    batch_t *batch = data;
    const body_stream_t *stream = batch->stream;

    if (batch->is_written && stream->sink->digest) {
        stream->sink->digest(stream->baton, (struct iovec *)batch->vec->elts,
                             batch->vec->nelts);
    }
    return 0;
}

/* Whether there is a processor for a second thread.  With the prefork MPM there
 * is never one, because it ends a process in a signal handler, without waiting
 * for threads. */
static int may_share(body_stream_t *stream)
{
    int threaded = 0;

    if (!stream->max_shared_bodies) {
        ap_mpm_query(AP_MPMQ_IS_THREADED, &threaded);
        stream->max_shared_bodies = threaded ? sysconf(_SC_NPROCESSORS_ONLN)
                                             : -1;
    }
    return apr_atomic_read32(stream->request->bodies)
        <= stream->max_shared_bodies;
}

/* Start a second thread for the rest of a long body.  It never waits for the
 * client, because httpd can only stop its own threads while they wait. */
static void add_thread_if_long(body_stream_t *stream)
{
    const oci_request_t *request = stream->request;
    apr_pool_t *pool;

    if (stream->shared || !stream->sink->digest || request->received < LONG_BODY
        || !may_share(stream)
        /* a pool apart from r->pool, which the reading stage uses */
        || oci_pool_make(&pool, request->r->pool) != APR_SUCCESS) {
        return;
    }
    stream->pool = pool;
    stream->shared = 1;
    oci_pipeline_add_thread(stream->pipeline,
                            make_batch(stream, APR_NONBLOCK_READ));
}

oci_error_t *oci_body_read(oci_request_t *request,
                           const oci_body_limit_t *limit,
                           const oci_body_sink_t *sink, void *baton)
{
    static oci_pipeline_stage_t *const stages[] = { read_batch, write_batch,
                                                    digest_batch };
    request_rec *r = request->r;
    body_stream_t stream = { .request = request,
                             .limit = limit,
                             .sink = sink,
                             .baton = baton,
                             .pool = r->pool };
    oci_error_t *error = oci_body_expect(request, limit);
    batch_t *batch;

    if (error) {
        return error;
    }
    stream.piece = apr_brigade_create(r->pool, r->connection->bucket_alloc);
    stream.watch = sink->pause ? oci_pause_watch(r) : NULL;
    stream.pipeline = oci_pipeline_make(stages, r->pool);
    batch = make_batch(&stream, APR_BLOCK_READ);
    apr_atomic_inc32(request->bodies);
    while (!oci_pipeline_run_batch(stream.pipeline, batch)) {
        add_thread_if_long(&stream);
    }
    oci_pipeline_end(stream.pipeline);
    apr_atomic_dec32(request->bodies);
    apr_brigade_destroy(batch->bb);
    if (stream.write_error || stream.read_refusal) {
        return stream.write_error ? stream.write_error : stream.read_refusal;
    }
    return stream.rv == APR_SUCCESS ? NULL : read_error(request, stream.rv);
}
