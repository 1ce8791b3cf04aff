/* SPDX-License-Identifier: Apache-2.0 */

/* Reading one object piece by piece, at any offset.
 *
 *     response -> sink -> buffer of the reader, while there is room in it
 *                      -> spill, what comes beyond that
 *                      -> pause, if the spill has no room either
 *
 * The reader's next byte is the first of the spill, or the next one of the
 * response. */

#include <stdlib.h>
#include <string.h>

#include "apr_strings.h"

#include "mod_oci.h"
#include "s3/s3_credentials.h"
#include "s3/s3_request.h"
#include "s3/s3_stream.h"

/* libcurl holds up to OCI_S3_SINK_SIZE bytes more while it pauses. */
#define SPILL_SIZE (128 * 1024)
#define ERROR_SIZE (8 * 1024)
#define BREAKS_MAX 5

struct oci_s3_stream_t {
    oci_s3_call_t call;
    const char *key;
    apr_pool_t *pool;
    oci_s3_info_t info; /* its size is -1 before the first response */

    apr_pool_t *response; /* of the members below; cleared for the next one */
    oci_s3_handle_t *handle; /* NULL: no response is under way */
    oci_s3_exchange_t exchange;
    oci_s3_keys_t keys;
    int running; /* whether more of the response may come */
    int paused;
    apr_off_t until; /* where the response ends */

    apr_off_t offset; /* of the reader's next byte */
    char *target;     /* the reader's buffer; NULL while nobody reads */
    apr_size_t room;  /* of target, bytes */
    apr_size_t filled;
    apr_size_t first; /* of the bytes in spill */
    apr_size_t end;   /* behind them */
    char *spill;      /* SPILL_SIZE bytes */
    char *error;      /* ERROR_SIZE bytes and a NUL: the document of an error */
};

/* Collect a document that describes an error, as far as there is room. */
static void keep_error(oci_s3_stream_t *stream, const char *bytes,
                       apr_size_t size)
{
    oci_s3_exchange_t *exchange = &stream->exchange;

    if (size > ERROR_SIZE - exchange->size) {
        size = ERROR_SIZE - exchange->size;
    }
    memcpy(stream->error + exchange->size, bytes, size);
    exchange->size += size;
    stream->error[exchange->size] = '\0';
}

/* Take bytes of a response; an oci_s3_sink_t. */
static size_t sink(char *bytes, size_t one, size_t size, void *baton)
{
    oci_s3_stream_t *stream = baton;
    apr_size_t room = stream->target ? stream->room - stream->filled : 0;

    (void)one;
    if (stream->exchange.status >= 300) {
        keep_error(stream, bytes, size);
        return size;
    }
    if (stream->first == stream->end) {
        stream->first = stream->end = 0;
    }
    if (stream->end) {
        room = 0;
    }
    if (size > room + SPILL_SIZE - stream->end) {
        stream->paused = 1;
        return OCI_S3_PAUSE;
    }
    if (room > size) {
        room = size;
    }
    if (room) {
        memcpy(stream->target + stream->filled, bytes, room);
        stream->filled += room;
    }
    memcpy(stream->spill + stream->end, bytes + room, size - room);
    stream->end += size - room;
    return size;
}

/* End the response that is under way.  Its connection can be used again if the
 * response was read to its end. */
static void close_response(oci_s3_stream_t *stream)
{
    if (stream->handle) {
        oci_s3_transport_release(oci_s3_client_transport(stream->call.client),
                                 stream->handle, !stream->running);
        stream->handle = NULL;
    }
    stream->running = 0;
    stream->paused = 0;
    stream->first = stream->end = 0;
}

/* The clean-up of a stream, before that of the pool of its response. */
static apr_status_t clean_up(void *baton)
{
    close_response(baton);
    return APR_SUCCESS;
}

/* Start a request for bytes of the object. */
static apr_status_t start_response(oci_s3_stream_t *stream,
                                   const oci_s3_span_t *span,
                                   apr_time_t deadline)
{
    oci_s3_call_t call = { stream->call.client, deadline };
    oci_s3_request_t request = { .method = "GET", .key = stream->key };
    apr_table_t *headers;
    const char *range;
    apr_status_t rv;

    apr_pool_clear(stream->response);
    headers = apr_table_make(stream->response, 4);
    request.headers = headers;
    request.sha256 = oci_s3_sha256(NULL, 0, stream->response);
    range = oci_s3_span_range(span, stream->response);
    if (range) {
        apr_table_setn(headers, "Range", range);
    }
    if (stream->info.etag) {
        apr_table_setn(headers, "If-Match", stream->info.etag);
    }
    memset(&stream->exchange, 0, sizeof(stream->exchange));
    rv = oci_s3_request_prepare(&stream->exchange, &stream->keys, &call,
                                &request, stream->response);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    stream->error[0] = '\0';
    stream->exchange.sink = sink;
    stream->exchange.baton = stream;
    rv = oci_s3_transport_start(&stream->handle,
                                oci_s3_client_transport(call.client),
                                &stream->exchange, stream->response);
    stream->exchange.data = stream->error;
    stream->running = rv == APR_SUCCESS;
    return rv;
}

/* Whether the reader or the spill has bytes of the response, or libcurl has
 * some for which there is no room. */
static int has_bytes(const oci_s3_stream_t *stream)
{
    return stream->filled || stream->first < stream->end || stream->paused;
}

/* Wait until the first byte of a response has come, and if it is an error, all
 * of it.  A response that breaks before has failed, so that the request is
 * repeated after a while; after that, await_bytes() finds the break. */
static apr_status_t await_head(oci_s3_stream_t *stream, apr_time_t deadline)
{
    oci_s3_exchange_t *exchange = &stream->exchange;
    apr_time_t silence = oci_s3_now()
        + oci_s3_client_settings(stream->call.client)->timeout;
    apr_status_t rv;

    deadline = silence < deadline ? silence : deadline;
    while (stream->running && (exchange->status >= 300 || !has_bytes(stream))) {
        apr_interval_time_t left = deadline - oci_s3_now();

        if (left <= 0) {
            exchange->failure = "no response came in time";
            return APR_TIMEUP;
        }
        rv = oci_s3_transport_drive(&stream->running, stream->handle, left);
        if (rv != APR_SUCCESS) {
            exchange->failure = "libcurl failed";
            return rv;
        }
    }
    return exchange->status < 300 && has_bytes(stream)
        ? APR_SUCCESS
        : oci_s3_transport_result(exchange, stream->handle, stream->response);
}

/* Judge the head of a response; APR_EAGAIN if the request may be repeated.
 * Anything but success ends the response. */
static apr_status_t judge(oci_s3_stream_t *stream, oci_s3_failure_t *failure,
                          const oci_s3_span_t *span)
{
    oci_s3_exchange_t *exchange = &stream->exchange;
    const char *wrong;

    if (failure->result == APR_SUCCESS
        && (exchange->status == 200 || exchange->status == 206)) {
        wrong = oci_s3_span_match(&stream->info, span, exchange, stream->pool);
        if (!wrong) {
            stream->until = span->until ? span->until : stream->info.size;
            return APR_SUCCESS;
        }
        close_response(stream);
        oci_s3_error_say(failure, wrong, stream->pool);
        return APR_EGENERAL;
    }
    if (failure->result == APR_SUCCESS) {
        oci_s3_error_read(&failure->error, exchange, stream->response);
    }
    close_response(stream);
    if (exchange->status == 416 && stream->info.size < 0) {
        return oci_s3_head(&stream->info, &stream->call, stream->key,
                           stream->pool);
    }
    if (exchange->status == 412 && stream->info.size >= 0) {
        oci_s3_error_say(failure, "the object has changed while it was read",
                         stream->pool);
        return APR_EGENERAL;
    }
    if (stream->keys.token && failure->attempts == 1
        && oci_s3_error_expired(failure)) {
        oci_s3_credentials_discard(oci_s3_client_credentials(
                                       stream->call.client),
                                   stream->keys.id);
        return APR_EAGAIN;
    }
    return oci_s3_error_transient(failure)
        ? APR_EAGAIN
        : oci_s3_error_explain(failure, stream->pool);
}

/* Copy the reason of a failure out of the pool of a response. */
static apr_status_t keep_reason(oci_s3_stream_t *stream, apr_status_t status)
{
    void *reason = NULL;

    apr_pool_userdata_get(&reason, OCI_REASON, stream->response);
    if (reason) {
        apr_pool_userdata_setn(apr_pstrdup(stream->pool, reason), OCI_REASON,
                               NULL, stream->pool);
    }
    return status;
}

/* Open a response with some bytes, with several attempts if need be. */
static apr_status_t open_response(oci_s3_stream_t *stream,
                                  const oci_s3_span_t *span,
                                  apr_time_t deadline)
{
    oci_s3_failure_t failure = { .settings = oci_s3_client_settings(
                                     stream->call.client),
                                 .method = "GET",
                                 .key = stream->key,
                                 .exchange = &stream->exchange };

    close_response(stream);
    for (;;) {
        apr_status_t rv = start_response(stream, span, deadline);

        if (rv != APR_SUCCESS) {
            return keep_reason(stream, rv);
        }
        failure.attempts++;
        failure.error = (oci_s3_error_t){ "", "", NULL };
        failure.result = await_head(stream, deadline);
        rv = judge(stream, &failure, span);
        if (rv != APR_EAGAIN) {
            return rv;
        }
        if (!oci_s3_request_wait(&stream->exchange, failure.attempts,
                                 deadline)) {
            return oci_s3_error_explain(&failure, stream->pool);
        }
    }
}

apr_status_t oci_s3_stream_open(oci_s3_stream_t **stream,
                                const oci_s3_call_t *call, const char *key,
                                const oci_s3_span_t *span, apr_pool_t *pool)
{
    oci_s3_stream_t *made = apr_pcalloc(pool, sizeof(*made));
    apr_status_t rv;

    made->call = *call;
    made->key = apr_pstrdup(pool, key);
    made->pool = pool;
    made->info.size = -1;
    made->offset = span->offset;
    made->spill = apr_palloc(pool, SPILL_SIZE);
    made->error = apr_palloc(pool, ERROR_SIZE + 1);
    rv = apr_pool_create(&made->response, pool);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    apr_pool_pre_cleanup_register(pool, made, clean_up);
    rv = open_response(made, span, oci_s3_request_deadline(call, 0));
    if (rv == APR_SUCCESS) {
        *stream = made;
    }
    return rv;
}

const oci_s3_info_t *oci_s3_stream_info(const oci_s3_stream_t *stream)
{
    return &stream->info;
}

/* Wait for bytes of the response that is under way.  Returns APR_SUCCESS with
 * some, or how the response ended without any. */
static apr_status_t await_bytes(oci_s3_stream_t *stream, apr_time_t deadline)
{
    oci_s3_exchange_t *exchange = &stream->exchange;
    apr_status_t rv;

    while (!stream->filled) {
        apr_interval_time_t left = deadline - oci_s3_now();

        if (stream->paused) {
            stream->paused = 0;
            oci_s3_transport_resume(stream->handle);
            continue;
        }
        if (!stream->running) {
            rv = oci_s3_transport_result(exchange, stream->handle,
                                         stream->response);
            exchange->failure = exchange->failure
                ? exchange->failure
                : "the response ended before the object did";
            return rv == APR_SUCCESS ? APR_ECONNREFUSED : rv;
        }
        if (left <= 0) {
            exchange->failure = "the server sent nothing for too long";
            return APR_TIMEUP;
        }
        rv = oci_s3_transport_drive(&stream->running, stream->handle, left);
        if (rv != APR_SUCCESS) {
            exchange->failure = "libcurl failed";
            return rv;
        }
    }
    return APR_SUCCESS;
}

/* Take what has come meanwhile, as long as there is room for whatever the sink
 * may get.  A failure shows again at the next read. */
static void take_more(oci_s3_stream_t *stream)
{
    apr_size_t before;

    do {
        before = stream->filled;
    } while (stream->running && stream->room - before >= OCI_S3_SINK_SIZE
             && oci_s3_transport_drive(&stream->running, stream->handle, 0)
                 == APR_SUCCESS
             && stream->filled > before);
}

/* Fill the reader's buffer from a response; if it breaks, from the next one.
 * until: as in oci_s3_span_t */
static apr_status_t fill(oci_s3_stream_t *stream, apr_off_t until)
{
    const oci_s3_span_t span = { stream->offset, until };
    const oci_s3_settings_t *settings = oci_s3_client_settings(
        stream->call.client);
    apr_time_t deadline = oci_s3_now() + OCI_S3_WAIT;
    oci_s3_failure_t failure = { .settings = settings,
                                 .method = "GET",
                                 .key = stream->key,
                                 .exchange = &stream->exchange,
                                 .error = { "", "", NULL } };
    int breaks = 0;

    while (!stream->filled) {
        apr_time_t silence;

        if (!stream->handle) {
            apr_status_t rv = open_response(stream, &span, deadline);

            if (rv != APR_SUCCESS) {
                return rv;
            }
        }
        silence = oci_s3_now() + settings->timeout;
        failure.result = await_bytes(stream,
                                     silence < deadline ? silence : deadline);
        failure.attempts = ++breaks;
        if (failure.result != APR_SUCCESS) {
            close_response(stream);
            if (!oci_s3_error_transient(&failure) || breaks >= BREAKS_MAX
                || oci_s3_now() >= deadline) {
                return oci_s3_error_explain(&failure, stream->pool);
            }
        }
    }
    take_more(stream);
    return APR_SUCCESS;
}

/* Read bytes from the spill; returns how many. */
static apr_size_t read_spill(oci_s3_stream_t *stream, char *buffer,
                             apr_size_t length)
{
    apr_size_t held = stream->end - stream->first;

    if (length > held) {
        length = held;
    }
    memcpy(buffer, stream->spill + stream->first, length);
    stream->first += length;
    return length;
}

/* Make an offset the reader's next byte. */
static void go_to(oci_s3_stream_t *stream, apr_off_t offset)
{
    apr_off_t held = stream->end - stream->first;

    if (offset > stream->offset && offset - stream->offset < held) {
        stream->first += offset - stream->offset;
    }
    else if (offset != stream->offset || offset == stream->until) {
        close_response(stream);
    }
    stream->offset = offset;
}

/* Find the end of a response whose bytes were all read: its connection can be
 * used again. */
static void finish_response(oci_s3_stream_t *stream)
{
    if (stream->running && stream->offset == stream->until) {
        oci_s3_transport_drive(&stream->running, stream->handle, 0);
    }
}

apr_status_t oci_s3_stream_read(oci_s3_stream_t *stream,
                                const oci_s3_span_t *span, char *buffer,
                                apr_size_t *length)
{
    apr_off_t left = stream->info.size - span->offset;
    apr_size_t size = *length;
    apr_status_t rv;

    *length = 0;
    if (left <= 0) {
        return APR_EOF;
    }
    if ((apr_off_t)size > left) {
        size = left;
    }
    go_to(stream, span->offset);
    *length = read_spill(stream, buffer, size);
    if (!*length && size) {
        stream->target = buffer;
        stream->room = size;
        stream->filled = 0;
        rv = fill(stream, span->until);
        stream->target = NULL;
        if (rv != APR_SUCCESS) {
            return rv;
        }
        *length = stream->filled;
    }
    stream->offset += *length;
    finish_response(stream);
    return APR_SUCCESS;
}
