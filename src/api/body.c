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
#include "apr_signal.h"
#include "apr_strings.h"
#include "apr_thread_mutex.h"
#include "apr_thread_proc.h"

#include "api/body.h"

/* httpd hands a body out in pieces of 8000 bytes at most, each in a buffer of
 * its own.  So many are gathered before they go on; from LONG_BODY bytes on
 * more, by two threads in turn.  Each writes what it has gathered, and then
 * computes its part of the digest while the other one gathers what follows:
 * so no data moves from one processor's cache to the other's.  Where many
 * bodies come at once, there is work enough for all processors. */
#define GATHER_BYTES  (128 * 1024)
#define GATHER_PIECES 24
#define LONG_BODY     (8 * 1024 * 1024)
#define LONG_BYTES    (256 * 1024)
#define LONG_PIECES   48
#define MANY_BODIES   2

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

/* Read on behind what bb has, until it is worth a write: no more, so that
 * writes end where blocks of the file do.  What came before an error is in bb
 * all the same. */
static apr_status_t gather(oci_request_t *request, apr_bucket_brigade *bb,
                           apr_bucket_brigade *piece, int is_long)
{
    request_rec *r = request->r;
    apr_off_t left = is_long ? LONG_BYTES : GATHER_BYTES;
    int pieces = is_long ? LONG_PIECES : GATHER_PIECES;

    for (; pieces > 0 && left > 0 && !is_complete(bb); pieces--) {
        apr_off_t length;
        apr_status_t rv = ap_get_brigade(r->input_filters, piece,
                                         AP_MODE_READBYTES, APR_BLOCK_READ,
                                         left);

        if (rv == APR_SUCCESS) {
            rv = apr_brigade_length(piece, 1, &length);
        }
        if (rv == APR_SUCCESS) {
            rv = keep_piece(bb, piece, r->pool);
        }
        if (rv != APR_SUCCESS) {
            return rv;
        }
        left -= length;
        request->received += length;
    }
    return APR_SUCCESS;
}

/* A body on its way to its sink.  While one thread does all, there are no
 * mutexes. */
typedef struct passage_t {
    oci_request_t          *request;
    const oci_body_limit_t *limit;
    const oci_body_sink_t  *sink;
    void                   *baton;
    apr_uint32_t            over;      /* nothing more is to be read */
    apr_thread_mutex_t     *reading;   /* guards these, and r->pool: */
    apr_bucket_brigade     *piece;
    apr_status_t            rv;        /* of the last read */
    oci_error_t            *refusal;
    apr_thread_mutex_t     *writing;   /* guards these: */
    apr_pool_t             *pool;
    oci_error_t            *failure;
    apr_thread_mutex_t     *digesting;
} passage_t;

/* What a thread has gathered. */
typedef struct turn_t {
    passage_t          *passage;
    apr_bucket_brigade *bb;
    apr_array_header_t *vec;           /* its data */
} turn_t;

static void enter(apr_thread_mutex_t *mutex)
{
    if (mutex) {
        apr_thread_mutex_lock(mutex);
    }
}

static void leave(apr_thread_mutex_t *mutex)
{
    if (mutex) {
        apr_thread_mutex_unlock(mutex);
    }
}

static turn_t *make_turn(passage_t *passage)
{
    request_rec *r = passage->request->r;
    turn_t *turn = apr_palloc(r->pool, sizeof(*turn));

    turn->passage = passage;
    turn->bb = apr_brigade_create(r->pool, r->connection->bucket_alloc);
    turn->vec = apr_array_make(r->pool, GATHER_PIECES, sizeof(struct iovec));
    return turn;
}

/* Find the data of what was gathered. */
static apr_status_t find_data(turn_t *turn)
{
    apr_bucket *b;

    for (b = APR_BRIGADE_FIRST(turn->bb);
         b != APR_BRIGADE_SENTINEL(turn->bb); b = APR_BUCKET_NEXT(b)) {
        apr_size_t length = 0;
        const char *data;
        apr_status_t rv = APR_BUCKET_IS_METADATA(b) ? APR_SUCCESS
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
static int read_some(turn_t *turn)
{
    passage_t *passage = turn->passage;
    oci_request_t *request = passage->request;
    const oci_body_limit_t *limit = passage->limit;
    apr_status_t rv;

    apr_brigade_cleanup(turn->bb);
    apr_array_clear(turn->vec);
    if (apr_atomic_read32(&passage->over)) {
        return 1;
    }
    passage->rv = gather(request, turn->bb, passage->piece,
                         passage->reading != NULL);
    if (limit->bytes && request->received > limit->bytes) {
        passage->refusal = too_large(request, limit);
    }
    else if ((rv = find_data(turn)) != APR_SUCCESS) {
        passage->rv = rv;
    }
    if (passage->rv != APR_SUCCESS || passage->refusal
        || is_complete(turn->bb)) {
        apr_atomic_set32(&passage->over, 1);
    }
    return apr_atomic_read32(&passage->over);
}

static void write_some(turn_t *turn)
{
    passage_t *passage = turn->passage;

    if (turn->vec->nelts && !passage->failure) {
        passage->failure = passage->sink->write(
            passage->baton, (struct iovec *)turn->vec->elts,
            turn->vec->nelts, passage->pool);
    }
    if (passage->failure) {
        apr_atomic_set32(&passage->over, 1);
    }
}

/* Whoever reads has the right to write before another may read what follows,
 * and so on: all is in its order. */
static int take_turn(turn_t *turn)
{
    passage_t *passage = turn->passage;
    int over;

    enter(passage->reading);
    over = read_some(turn);
    enter(passage->writing);
    leave(passage->reading);
    write_some(turn);
    enter(passage->digesting);
    leave(passage->writing);
    if (passage->sink->digest) {
        passage->sink->digest(passage->baton,
                              (struct iovec *)turn->vec->elts,
                              turn->vec->nelts);
    }
    leave(passage->digesting);
    return over;
}

static void *APR_THREAD_FUNC help(apr_thread_t *thread, void *data)
{
    /* signals are for httpd's own threads */
    apr_setup_signal_thread();
    while (!take_turn(data)) {
        continue;
    }
    apr_thread_exit(thread, APR_SUCCESS);
    return NULL;
}

static apr_status_t end_pool(void *data)
{
    apr_pool_destroy(data);
    return APR_SUCCESS;
}

/* What two threads need to share the rest of a body. */
static apr_status_t part_threads(passage_t *passage)
{
    apr_pool_t *pool = passage->request->r->pool;
    apr_thread_mutex_t *mutexes[3];
    apr_pool_t *errors;
    apr_status_t rv = APR_SUCCESS;
    int i;

    for (i = 0; i < 3 && rv == APR_SUCCESS; i++) {
        rv = apr_thread_mutex_create(&mutexes[i], APR_THREAD_MUTEX_DEFAULT,
                                     pool);
    }
    /* one whose memory is its own: who writes need not wait for who reads */
    if (rv == APR_SUCCESS) {
        rv = apr_pool_create_unmanaged_ex(&errors, NULL, NULL);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    apr_pool_cleanup_register(pool, errors, end_pool, apr_pool_cleanup_null);
    passage->pool = errors;
    passage->reading = mutexes[0];
    passage->writing = mutexes[1];
    passage->digesting = mutexes[2];
    return APR_SUCCESS;
}

/* Get a second thread for the rest of a body that is long, if few are. */
static void find_helper(apr_thread_t **helper, passage_t *passage)
{
    const oci_request_t *request = passage->request;

    if (!passage->reading && passage->sink->digest
        && request->received >= LONG_BODY
        && apr_atomic_read32(request->bodies) <= MANY_BODIES
        && part_threads(passage) == APR_SUCCESS
        && apr_thread_create(helper, NULL, help, make_turn(passage),
                             request->r->pool) != APR_SUCCESS) {
        *helper = NULL;                /* there is none to be had */
    }
}

oci_error_t *oci_body_read(oci_request_t *request,
                           const oci_body_limit_t *limit,
                           const oci_body_sink_t *sink, void *baton)
{
    request_rec *r = request->r;
    passage_t passage = { .request = request, .limit = limit, .sink = sink,
                          .baton = baton, .pool = r->pool };
    oci_error_t *error = oci_body_expect(request, limit);
    apr_thread_t *helper = NULL;
    apr_status_t rv;
    turn_t *turn;

    if (error) {
        return error;
    }
    passage.piece = apr_brigade_create(r->pool, r->connection->bucket_alloc);
    turn = make_turn(&passage);
    apr_atomic_inc32(request->bodies);
    while (!take_turn(turn)) {
        find_helper(&helper, &passage);
    }
    if (helper) {
        apr_thread_join(&rv, helper);
    }
    apr_atomic_dec32(request->bodies);
    apr_brigade_destroy(turn->bb);
    if (passage.failure || passage.refusal) {
        return passage.failure ? passage.failure : passage.refusal;
    }
    return passage.rv == APR_SUCCESS ? NULL
                                     : read_error(request, passage.rv);
}
