/* SPDX-License-Identifier: Apache-2.0 */

/* Buckets for the bytes of a blob.  A file that httpd can send by sendfile(2)
 * or mmap(2) gets a file bucket.  Everything else gets a bucket that reads the
 * blob when it is sent. */

#include <stdlib.h>
#include <string.h>

#include "httpd.h"
#include "http_config.h"
#include "http_core.h"
#include "http_log.h"
#include "http_protocol.h"
#if AP_MODULE_MAGIC_AT_LEAST(20120211, 102)
#include "http_ssl.h"
#endif
#include "apr_buckets.h"

#include "api/blob_bucket.h"
#include "registry/blob_source.h"
#include "registry/error.h"
#include "values/range.h"

APLOG_USE_MODULE(oci);

/* The bytes that are read and sent at once, without ReadBufferSize.  What is
 * sent as it is should still be in the processor's cache.  mod_ssl encrypts
 * what was read at once, and mod_http2 passes it from one thread to another;
 * both are slow with small pieces.  With small pieces of a stream, its two ends
 * wake each other more often. */
#define PLAIN_BYTES  (64 * 1024)
#define TLS_BYTES    (256 * 1024)
#define HTTP2_BYTES  (512 * 1024)
#define STREAM_BYTES (1024 * 1024)

/* The largest file that APR maps into memory instead of reading it. */
#define MMAP_BYTES (4 * 1024 * 1024)

/* What the buckets of a blob share.  It lives as long as the request, whose
 * buckets are destroyed before it. */
typedef struct shared_t {
    apr_bucket_refcount refcount;
    oci_blob_source_t source;
    const apr_array_header_t *ranges; /* of oci_range_t; NULL: all bytes */
    apr_size_t most;                  /* bytes to read at once */
    const char *where;
    request_rec *r;
} shared_t;

static void destroy_shared(void *data)
{
    apr_bucket_shared_destroy(data); /* the pool of the request owns the rest */
}

/* End the response: the client sees that bytes are missing.  Some filters, such
 * as mod_substitute's, ignore that a bucket cannot be read; they pass the error
 * bucket on, which keeps HTTP/2 from ending the response as a complete one.
 * e: the bucket that cannot be read */
static apr_status_t fail(apr_bucket *e, apr_status_t rv)
{
    const shared_t *shared = e->data;
    request_rec *r = shared->r;
    const oci_error_t *error = oci_error_storage(r->pool, rv,
                                                 "the response ends at byte "
                                                 "%" APR_OFF_T_FMT
                                                 " of the blob: cannot read %s",
                                                 e->start, shared->where);

    ap_log_rerror(APLOG_MARK, APLOG_ERR, error->status, r, "oci: %s",
                  error->note);
    r->connection->keepalive = AP_CONN_CLOSE;
    r->connection->aborted = 1;
    APR_BUCKET_INSERT_AFTER(e,
                            ap_bucket_error_create(HTTP_BAD_GATEWAY, NULL,
                                                   r->pool, e->list));
    return rv;
}

/* Find out how far the response goes on from some of its bytes.  A filter such
 * as mod_ratelimit's splits buckets before it reads them, so that the end of a
 * bucket does not tell. */
static apr_off_t find_end(const shared_t *shared, apr_off_t offset,
                          apr_size_t length)
{
    int i;

    for (i = 0; shared->ranges && i < shared->ranges->nelts; i++) {
        const oci_range_t *range = &APR_ARRAY_IDX(shared->ranges, i,
                                                  oci_range_t);

        if (offset >= range->first
            && offset - range->first + (apr_off_t)length <= range->length) {
            return range->first + range->length;
        }
    }
    return shared->source.size;
}

static apr_status_t read_shared(apr_bucket *e, const char **text,
                                apr_size_t *length, apr_read_type_e block)
{
    shared_t *shared = e->data;
    apr_off_t start = e->start;
    apr_size_t left = e->length;
    apr_size_t size = left < shared->most ? left : shared->most;
    /* not apr_bucket_alloc(): APR returns a large buffer to the system when it
     * holds MaxMemFree in small ones, and getting new pages for each read can
     * take as long as sending them */
    char *buffer = malloc(size);
    apr_status_t rv;

    (void)block;
    *text = NULL;
    *length = size;
    shared->source.until = find_end(shared, start, left);
    rv = buffer ? oci_blob_source_read(&shared->source, start, buffer, length)
                : APR_ENOMEM;
    if (rv == APR_SUCCESS && !*length && left) {
        rv = APR_INCOMPLETE;
    }
    if (rv != APR_SUCCESS) {
        free(buffer);
        *length = 0;
        return fail(e, rv);
    }
    if (*length < left) {
        apr_bucket_split(e, *length);
    }
    apr_bucket_heap_make(e, buffer, *length, free);
    ((apr_bucket_heap *)e->data)->alloc_len = size;
    *text = buffer;
    destroy_shared(shared);
    return APR_SUCCESS;
}

static const apr_bucket_type_t reading_bucket = {
    "OCI_BLOB",
    5,
    APR_BUCKET_DATA,
    destroy_shared,
    read_shared,
    apr_bucket_setaside_noop,
    apr_bucket_shared_split,
    apr_bucket_shared_copy,
};

/* Make a bucket that reads a blob when it is sent. */
static apr_bucket *read_bucket(const oci_blob_source_t *source,
                               const apr_array_header_t *ranges,
                               apr_size_t most, const char *where,
                               request_rec *r)
{
    apr_bucket_alloc_t *list = r->connection->bucket_alloc;
    apr_bucket *b = apr_bucket_alloc(sizeof(*b), list);
    shared_t *shared = apr_palloc(r->pool, sizeof(*shared));

    APR_BUCKET_INIT(b);
    b->free = apr_bucket_free;
    b->list = list;
    shared->source = *source;
    shared->ranges = ranges;
    shared->most = most;
    shared->where = where;
    shared->r = r;
    b = apr_bucket_shared_make(b, shared, 0, source->size);
    b->type = &reading_bucket;
    return b;
}

/* Make a bucket for a blob's file. */
static apr_bucket *file_bucket(const oci_blob_source_t *source, apr_size_t most,
                               const request_rec *r)
{
    apr_bucket *file = apr_bucket_file_create(source->file, 0, 0, r->pool,
                                              r->connection->bucket_alloc);

#if APR_HAS_MMAP
    const core_dir_config *core = ap_get_core_module_config(r->per_dir_config);

    if (core->enable_mmap == ENABLE_MMAP_OFF) {
        apr_bucket_file_enable_mmap(file, 0);
    }
#endif
    apr_bucket_file_set_buf_size(file, most);
    return file;
}

/* Whether mod_ssl encrypts the response, so that sendfile cannot send it. */
static int is_encrypted(const request_rec *r)
{
#if AP_MODULE_MAGIC_AT_LEAST(20120211, 102)
    conn_rec *c = r->connection;

    return ap_ssl_conn_is_ssl(c->master ? c->master : c);
#else
    return !strcmp(ap_http_scheme(r), "https");
#endif
}

int oci_blob_bucket_uses_sendfile(const request_rec *r)
{
    const core_dir_config *core = ap_get_core_module_config(r->per_dir_config);

    return AP_SENDFILE_ENABLED(core->enable_sendfile) && !is_encrypted(r);
}

/* How many bytes to read at once. */
static apr_size_t piece_size(const oci_blob_source_t *source,
                             const request_rec *r)
{
#if AP_MODULE_MAGIC_AT_LEAST(20120211, 97)
    const core_dir_config *core = ap_get_core_module_config(r->per_dir_config);

    if (core->read_buf_size) {
        return core->read_buf_size;
    }
#endif
    if (source->stream) {
        return STREAM_BYTES;
    }
    if (r->connection->master) {
        return HTTP2_BYTES;
    }
    return is_encrypted(r) ? TLS_BYTES : PLAIN_BYTES;
}

apr_bucket *oci_blob_bucket_create(const oci_blob_source_t *source,
                                   const apr_array_header_t *ranges,
                                   const char *where, request_rec *r)
{
    apr_size_t most = piece_size(source, r);

    return source->file
            && (source->size <= MMAP_BYTES
                || apr_file_flags_get(source->file)
                    & APR_FOPEN_SENDFILE_ENABLED)
        ? file_bucket(source, most, r)
        : read_bucket(source, ranges, most, where, r);
}
