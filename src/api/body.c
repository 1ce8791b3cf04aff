/* SPDX-License-Identifier: Apache-2.0 */

/* The body of a request, in few large pieces. */

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
#include "api/pipeline.h"
#include "registry/pool.h"

/* httpd hands a body out in pieces of 8000 bytes at most, each in a buffer of
 * its own.  So many are gathered before they go on. */
#define GATHER_BYTES  (128 * 1024)
#define GATHER_PIECES 24

/* After so many bytes a body is shared by two threads, where httpd has threads
 * itself and no more bodies come at once than there are processors.  Each one
 * writes and digests what it has gathered, so that no data moves from one
 * processor's cache to another's.  The more a turn has, the less they wait. */
#define LONG_BODY     (8 * 1024 * 1024)
#define SHARED_BYTES  (256 * 1024)
#define SHARED_PIECES 48

/* What is read for nothing of a refused body, to keep a connection. */
#define SKIP_AT_MOST (64 * 1024)

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
    oci_body_limit_t httpds = httpd_limit(request);

    if (coding && ap_cstr_casecmp(coding, "chunked")) {
        /* httpd would take the last of several for all */
        return oci_error_make(request->r->pool, OCI_E_REQUEST_INVALID,
                              "encoding", coding,
                              "the only Transfer-Encoding is chunked");
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
             || APR_STATUS_IS_ECONNRESET(rv) || APR_STATUS_IS_ECONNABORTED(rv)
             || APR_STATUS_IS_EPIPE(rv)
             /* httpd closes connections so when it is told to end */
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

/* A body on its way to its sink. */
typedef struct passage_t {
    oci_request_t *request;
    const oci_body_limit_t *limit;
    const oci_body_sink_t *sink;
    void *baton;
    apr_uint32_t over; /* nothing more is to be read */
    int shared;        /* by two threads */
    long most;         /* bodies at once to be shared, or 0 */
    /* for who reads: */
    apr_bucket_brigade *piece;
    apr_status_t rv; /* of the last read */
    oci_error_t *refusal;
    /* for who writes: */
    apr_pool_t *pool;
    oci_error_t *failure;
} passage_t;

/* What a thread has gathered. */
typedef struct turn_t {
    passage_t *passage;
    apr_read_type_e block; /* whether it may wait for the client */
    apr_bucket_brigade *bb;
    apr_array_header_t *vec; /* its data */
} turn_t;

static turn_t *make_turn(passage_t *passage, apr_read_type_e block)
{
    request_rec *r = passage->request->r;
    turn_t *turn = apr_palloc(r->pool, sizeof(*turn));

    turn->passage = passage;
    turn->block = block;
    turn->bb = apr_brigade_create(r->pool, r->connection->bucket_alloc);
    turn->vec = apr_array_make(r->pool, GATHER_PIECES, sizeof(struct iovec));
    return turn;
}

/* Read on, until it is worth a write: no more, so that writes end where blocks
 * of the file do.  What came before an error is gathered all the same. */
static apr_status_t gather(turn_t *turn)
{
    const passage_t *passage = turn->passage;
    request_rec *r = passage->request->r;
    apr_off_t left = passage->shared ? SHARED_BYTES : GATHER_BYTES;
    int pieces = passage->shared ? SHARED_PIECES : GATHER_PIECES;

    for (; pieces > 0 && left > 0 && !is_complete(turn->bb); pieces--) {
        apr_off_t length = 0;
        apr_status_t rv = ap_get_brigade(r->input_filters, passage->piece,
                                         AP_MODE_READBYTES, turn->block, left);

        if (turn->block == APR_NONBLOCK_READ
            && (APR_STATUS_IS_EAGAIN(rv)
                || (!rv && APR_BRIGADE_EMPTY(passage->piece)))) {
            break;
        }
        if (rv == APR_SUCCESS) {
            rv = apr_brigade_length(passage->piece, 1, &length);
        }
        if (rv == APR_SUCCESS) {
            rv = keep_piece(turn->bb, passage->piece, r->pool);
        }
        if (rv != APR_SUCCESS) {
            return rv;
        }
        left -= length;
        passage->request->received += length;
    }
    return APR_SUCCESS;
}

/* Find the data of what was gathered. */
static apr_status_t find_data(turn_t *turn)
{
    apr_bucket *b;

    for (b = APR_BRIGADE_FIRST(turn->bb); b != APR_BRIGADE_SENTINEL(turn->bb);
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
            struct iovec *buffer = apr_array_push(turn->vec);

            buffer->iov_base = (char *)data;
            buffer->iov_len = length;
        }
    }
    return APR_SUCCESS;
}

/* Gather some of the body, in place of what there was, if it may be so long.
 * Returns whether it is the last. */
static int read_some(void *data)
{
    turn_t *turn = data;
    passage_t *passage = turn->passage;
    oci_request_t *request = passage->request;
    const oci_body_limit_t *limit = passage->limit;
    apr_status_t rv;

    apr_brigade_cleanup(turn->bb);
    apr_array_clear(turn->vec);
    if (apr_atomic_read32(&passage->over)) {
        return 1;
    }
    passage->rv = gather(turn);
    if (limit->bytes && request->received > limit->bytes) {
        passage->refusal = too_large(request, limit);
    }
    else if ((rv = find_data(turn)) != APR_SUCCESS) {
        passage->rv = rv;
    }
    if (passage->rv != APR_SUCCESS || passage->refusal
        || is_complete(turn->bb)) {
        apr_atomic_set32(&passage->over, 1);
        return 1;
    }
    return 0;
}

static int write_some(void *data)
{
    turn_t *turn = data;
    passage_t *passage = turn->passage;

    if (turn->vec->nelts && !passage->failure) {
        passage->failure = passage->sink->write(passage->baton,
                                                (struct iovec *)turn->vec->elts,
                                                turn->vec->nelts,
                                                passage->pool);
    }
    if (passage->failure) {
        apr_atomic_set32(&passage->over, 1);
    }
    return 0;
}

static int digest_some(void *data)
{
    turn_t *turn = data;
    const passage_t *passage = turn->passage;

    if (passage->sink->digest) {
        passage->sink->digest(passage->baton, (struct iovec *)turn->vec->elts,
                              turn->vec->nelts);
    }
    return 0;
}

/* Whether there is a processor for a second thread.  Prefork ends a process
 * in a signal handler, whatever its threads are at. */
static int may_share(passage_t *passage)
{
    int threaded = 0;

    if (!passage->most) {
        ap_mpm_query(AP_MPMQ_IS_THREADED, &threaded);
        passage->most = threaded ? sysconf(_SC_NPROCESSORS_ONLN) : -1;
    }
    return apr_atomic_read32(passage->request->bodies) <= passage->most;
}

/* Get a second thread for the rest of a body that is long.  It does not wait
 * for the client: that is for a thread which httpd knows how to stop. */
static void find_helper(oci_pipeline_t *turns, passage_t *passage)
{
    const oci_request_t *request = passage->request;
    apr_pool_t *pool;

    if (passage->shared || !passage->sink->digest
        || request->received < LONG_BODY
        || !may_share(passage)
        /* who writes need not wait for who reads and uses r->pool */
        || oci_pool_make(&pool, request->r->pool)) {
        return;
    }
    passage->pool = pool;
    passage->shared = 1;
    oci_pipeline_share(turns, make_turn(passage, APR_NONBLOCK_READ));
}

oci_error_t *oci_body_read(oci_request_t *request,
                           const oci_body_limit_t *limit,
                           const oci_body_sink_t *sink, void *baton)
{
    static oci_pipeline_step_t *const steps[] = { read_some, write_some,
                                                  digest_some };
    request_rec *r = request->r;
    passage_t passage = { .request = request,
                          .limit = limit,
                          .sink = sink,
                          .baton = baton,
                          .pool = r->pool };
    oci_error_t *error = oci_body_expect(request, limit);
    oci_pipeline_t *turns;
    turn_t *turn;

    if (error) {
        return error;
    }
    passage.piece = apr_brigade_create(r->pool, r->connection->bucket_alloc);
    turns = oci_pipeline_make(steps, r->pool);
    turn = make_turn(&passage, APR_BLOCK_READ);
    apr_atomic_inc32(request->bodies);
    while (!oci_pipeline_turn(turns, turn)) {
        find_helper(turns, &passage);
    }
    oci_pipeline_end(turns);
    apr_atomic_dec32(request->bodies);
    apr_brigade_destroy(turn->bb);
    if (passage.failure || passage.refusal) {
        return passage.failure ? passage.failure : passage.refusal;
    }
    return passage.rv == APR_SUCCESS ? NULL : read_error(request, passage.rv);
}
