/* SPDX-License-Identifier: Apache-2.0 */

/* Buckets that read a blob from a stream when they are sent. */

#include "httpd.h"
#include "http_config.h"
#include "http_log.h"
#include "apr_buckets.h"

#include "api/stream_bucket.h"
#include "registry/error.h"

APLOG_USE_MODULE(oci);

#define READ_BYTES (256 * 1024)

/* What the buckets of a stream share.  It lives as long as the request, whose
 * buckets are destroyed before it. */
typedef struct shared_t {
    apr_bucket_refcount refcount;
    oci_blob_stream_t *stream;
    const char *where;
    request_rec *r;
} shared_t;

static void destroy_stream(void *data)
{
    apr_bucket_shared_destroy(data); /* the pool of the request owns the rest */
}

/* End the response: the client sees that bytes are missing. */
static apr_status_t fail(shared_t *shared, apr_off_t offset, apr_status_t rv)
{
    request_rec *r = shared->r;
    const oci_error_t *error = oci_error_storage(r->pool, rv,
                                                 "the response ends at byte "
                                                 "%" APR_OFF_T_FMT
                                                 " of the blob: cannot read %s",
                                                 offset, shared->where);

    ap_log_rerror(APLOG_MARK, APLOG_ERR, error->status, r, "oci: %s",
                  error->note);
    r->connection->keepalive = AP_CONN_CLOSE;
    r->connection->aborted = 1;
    return rv;
}

static apr_status_t read_stream(apr_bucket *e, const char **text,
                                apr_size_t *length, apr_read_type_e block)
{
    shared_t *shared = e->data;
    apr_off_t start = e->start;
    apr_size_t left = e->length;
    apr_size_t size = left < READ_BYTES ? left : READ_BYTES;
    char *buffer = apr_bucket_alloc(size, e->list);
    apr_status_t rv;

    (void)block;
    *text = NULL;
    *length = size;
    rv = shared->stream->read(shared->stream, start, buffer, length);
    if (rv == APR_SUCCESS && !*length && left) {
        rv = APR_INCOMPLETE;
    }
    if (rv != APR_SUCCESS) {
        apr_bucket_free(buffer);
        *length = 0;
        return fail(shared, start, rv);
    }
    if (*length < left) {
        apr_bucket_split(e, *length);
    }
    apr_bucket_heap_make(e, buffer, *length, apr_bucket_free);
    ((apr_bucket_heap *)e->data)->alloc_len = size;
    *text = buffer;
    destroy_stream(shared);
    return APR_SUCCESS;
}

static const apr_bucket_type_t stream_bucket = {
    "OCI_STREAM",
    5,
    APR_BUCKET_DATA,
    destroy_stream,
    read_stream,
    apr_bucket_setaside_noop,
    apr_bucket_shared_split,
    apr_bucket_shared_copy,
};

apr_bucket *oci_stream_bucket_create(oci_blob_stream_t *stream, apr_off_t size,
                                     const char *where, request_rec *r)
{
    apr_bucket_alloc_t *list = r->connection->bucket_alloc;
    apr_bucket *b = apr_bucket_alloc(sizeof(*b), list);
    shared_t *shared = apr_palloc(r->pool, sizeof(*shared));

    APR_BUCKET_INIT(b);
    b->free = apr_bucket_free;
    b->list = list;
    shared->stream = stream;
    shared->where = where;
    shared->r = r;
    b = apr_bucket_shared_make(b, shared, 0, size);
    b->type = &stream_bucket;
    return b;
}
