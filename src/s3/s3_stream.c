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

#include "apr_date.h"
#include "apr_strings.h"

#include "mod_oci.h"
#include "s3/s3_credentials.h"
#include "s3/s3_request.h"
#include "s3/s3_stream.h"

/* libcurl holds up to 256 KiB more while it pauses. */
#define SPILL_SIZE (128 * 1024)
#define ERROR_SIZE (8 * 1024)
#define BREAKS_MAX 5

struct oci_s3_stream_t {
    oci_s3_call_t call;
    const char *key;
    apr_pool_t *pool;
    oci_s3_info_t info;
    int known; /* whether info is filled in */

    apr_pool_t *response; /* of the members below; cleared for the next one */
    oci_s3_handle_t *handle; /* NULL: no response is under way */
    oci_s3_exchange_t exchange;
    oci_s3_keys_t keys;
    int running; /* whether more of the response may come */
    int paused;

    apr_off_t offset; /* of the reader's next byte */
    char *target;     /* the reader's buffer; NULL while nobody reads */
    apr_size_t room;  /* of target, bytes */
    apr_size_t filled;
    apr_size_t first; /* of the bytes in spill */
    apr_size_t end;   /* behind them */
    char *spill;      /* SPILL_SIZE bytes */
    char *error;      /* ERROR_SIZE bytes: the document of an error */
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

/* Start a request for the object from an offset on. */
static apr_status_t start_response(oci_s3_stream_t *stream, apr_off_t offset,
                                   apr_time_t deadline)
{
    oci_s3_call_t call = { stream->call.client, deadline };
    oci_s3_request_t request = { .method = "GET", .key = stream->key };
    apr_table_t *headers;
    apr_status_t rv;

    apr_pool_clear(stream->response);
    headers = apr_table_make(stream->response, 4);
    request.headers = headers;
    request.sha256 = oci_s3_sha256(NULL, 0, stream->response);
    if (offset) {
        apr_table_setn(headers, "Range",
                       apr_psprintf(stream->response,
                                    "bytes=%" APR_OFF_T_FMT "-", offset));
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
    stream->exchange.sink = sink;
    stream->exchange.baton = stream;
    rv = oci_s3_transport_start(&stream->handle,
                                oci_s3_client_transport(call.client),
                                &stream->exchange, stream->response);
    stream->exchange.data = stream->error;
    stream->running = rv == APR_SUCCESS;
    return rv;
}

/* Wait until the head of a response has come, and if it is an error, all of it.
 * A response that breaks behind its head has begun: the reader may have its
 * first bytes, and await_bytes() finds the break. */
static apr_status_t await_head(oci_s3_stream_t *stream, apr_time_t deadline)
{
    oci_s3_exchange_t *exchange = &stream->exchange;
    apr_time_t silence = oci_s3_now()
        + oci_s3_client_settings(stream->call.client)->timeout;
    apr_status_t rv;

    deadline = silence < deadline ? silence : deadline;
    while (stream->running && (!exchange->begun || exchange->status >= 300)) {
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
    return stream->running || (exchange->begun && exchange->status < 300)
        ? APR_SUCCESS
        : oci_s3_transport_result(exchange, stream->handle, stream->response);
}

/* Read "bytes first-last/size". */
static int parse_content_range(apr_off_t *first, apr_off_t *size,
                               const char *text)
{
    const char *slash = text ? strchr(text, '/') : NULL;

    if (!slash || strncmp(text, "bytes ", 6)) {
        return 0;
    }
    *first = apr_atoi64(text + 6);
    *size = apr_atoi64(slash + 1);
    return *size > 0 || slash[1] == '0';
}

/* Copy what the head of a response says of the object, and check that it is the
 * same as before, and that the response begins where it should.
 * Returns NULL, or what is wrong. */
static const char *read_head(oci_s3_stream_t *stream, apr_off_t offset)
{
    const apr_table_t *headers = stream->exchange.received;
    const char *length = apr_table_get(headers, "Content-Length");
    const char *etag = apr_table_get(headers, "ETag");
    const char *modified = apr_table_get(headers, "Last-Modified");
    apr_off_t first = 0, size = length ? apr_atoi64(length) : -1;

    if (stream->exchange.status == 206
        && !parse_content_range(&first, &size,
                                apr_table_get(headers, "Content-Range"))) {
        return "the response has no valid Content-Range";
    }
    if (size < 0) {
        return "the response has no Content-Length";
    }
    if (first != offset) {
        return "the response begins at another byte than requested";
    }
    if (stream->known
        && (size != stream->info.size
            || (etag && stream->info.etag
                && strcmp(etag, stream->info.etag)))) {
        return "the object has changed while it was read";
    }
    if (!stream->known) {
        stream->known = 1;
        stream->info.size = size;
        stream->info.etag = etag ? apr_pstrdup(stream->pool, etag) : NULL;
        stream->info.modified = modified ? apr_date_parse_http(modified) : 0;
    }
    return NULL;
}

/* Judge the head of a response; APR_EAGAIN if the request may be repeated.
 * Anything but success ends the response. */
static apr_status_t judge(oci_s3_stream_t *stream, oci_s3_failure_t *failure,
                          apr_off_t offset)
{
    oci_s3_exchange_t *exchange = &stream->exchange;
    const char *wrong;

    if (failure->result == APR_SUCCESS
        && (exchange->status == 200 || exchange->status == 206)) {
        wrong = read_head(stream, offset);
        if (!wrong) {
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
    if (exchange->status == 416 && !stream->known) {
        stream->known = 1;
        return oci_s3_head(&stream->info, &stream->call, stream->key,
                           stream->pool);
    }
    if (exchange->status == 412 && stream->known) {
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

/* Open a response at an offset, with several attempts if need be. */
static apr_status_t open_response(oci_s3_stream_t *stream, apr_off_t offset,
                                  apr_time_t deadline)
{
    oci_s3_failure_t failure = { .settings = oci_s3_client_settings(
                                     stream->call.client),
                                 .method = "GET",
                                 .key = stream->key,
                                 .exchange = &stream->exchange };

    close_response(stream);
    for (;;) {
        apr_interval_time_t delay;
        apr_status_t rv = start_response(stream, offset, deadline);

        if (rv != APR_SUCCESS) {
            return keep_reason(stream, rv);
        }
        failure.attempts++;
        failure.error = (oci_s3_error_t){ "", "", NULL };
        failure.result = await_head(stream, deadline);
        rv = judge(stream, &failure, offset);
        if (rv != APR_EAGAIN) {
            return rv;
        }
        delay = oci_s3_request_delay(&stream->exchange, failure.attempts);
        if (oci_s3_now() + delay >= deadline) {
            return oci_s3_error_explain(&failure, stream->pool);
        }
        apr_sleep(delay);
    }
}

apr_status_t oci_s3_stream_open(oci_s3_stream_t **stream,
                                const oci_s3_call_t *call, const char *key,
                                apr_off_t offset, apr_pool_t *pool)
{
    oci_s3_stream_t *made = apr_pcalloc(pool, sizeof(*made));
    apr_status_t rv;

    made->call = *call;
    made->key = apr_pstrdup(pool, key);
    made->pool = pool;
    made->offset = offset;
    made->spill = apr_palloc(pool, SPILL_SIZE);
    made->error = apr_palloc(pool, ERROR_SIZE);
    rv = apr_pool_create(&made->response, pool);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    apr_pool_pre_cleanup_register(pool, made, clean_up);
    rv = open_response(made, offset, oci_s3_request_deadline(call, 0));
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

/* Fill the reader's buffer from a response; if it breaks, from the next one. */
static apr_status_t fill(oci_s3_stream_t *stream)
{
    const oci_s3_settings_t *settings = oci_s3_client_settings(
        stream->call.client);
    apr_time_t until = oci_s3_now() + OCI_S3_WAIT;
    oci_s3_failure_t failure = { .settings = settings,
                                 .method = "GET",
                                 .key = stream->key,
                                 .exchange = &stream->exchange };
    int breaks = 0;

    while (!stream->filled) {
        apr_time_t silence;

        if (!stream->handle) {
            apr_status_t rv = open_response(stream, stream->offset, until);

            if (rv != APR_SUCCESS) {
                return rv;
            }
        }
        silence = oci_s3_now() + settings->timeout;
        failure.result = await_bytes(stream, silence < until ? silence : until);
        failure.attempts = ++breaks;
        if (failure.result != APR_SUCCESS) {
            close_response(stream);
            if (!oci_s3_error_transient(&failure) || breaks >= BREAKS_MAX
                || oci_s3_now() >= until) {
                return oci_s3_error_explain(&failure, stream->pool);
            }
        }
    }
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
    else if (offset != stream->offset) {
        close_response(stream);
    }
    stream->offset = offset;
}

apr_status_t oci_s3_stream_read(oci_s3_stream_t *stream, apr_off_t offset,
                                char *buffer, apr_size_t *length)
{
    apr_size_t size = *length;
    apr_status_t rv;

    *length = 0;
    if (offset >= stream->info.size) {
        return APR_EOF;
    }
    if ((apr_off_t)size > stream->info.size - offset) {
        size = stream->info.size - offset;
    }
    go_to(stream, offset);
    *length = read_spill(stream, buffer, size);
    if (!*length && size) {
        stream->target = buffer;
        stream->room = size;
        stream->filled = 0;
        rv = fill(stream);
        stream->target = NULL;
        if (rv != APR_SUCCESS) {
            return rv;
        }
        *length = stream->filled;
    }
    stream->offset += *length;
    if (stream->offset == stream->info.size && stream->running) {
        oci_s3_transport_drive(&stream->running, stream->handle, 0);
    }
    return APR_SUCCESS;
}
