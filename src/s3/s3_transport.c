/* SPDX-License-Identifier: Apache-2.0 */

/* Exchanges of one HTTP request and its response, by means of libcurl. */

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <curl/curl.h>

#include "apr_lib.h"
#include "apr_strings.h"
#include "apr_uri.h"

#include "mod_oci.h"
#include "s3/s3_client.h"
#include "s3/s3_handles.h"
#include "s3/s3_transport.h"

#define CONNECT_TIME apr_time_from_sec(10)
#define BUFFER_SIZE  (64 * 1024)
#define SEND_SIZE    (64 * 1024)
#define FIRST_SIZE   4096
#define ERROR_MAX    (64 * 1024)

#if OCI_S3_PAUSE != CURL_WRITEFUNC_PAUSE
#error OCI_S3_PAUSE differs from CURL_WRITEFUNC_PAUSE
#endif

struct oci_s3_transport_t {
    const char *ca_file; /* NULL for the system's */
    apr_interval_time_t silence;
    oci_s3_handles_t *handles;
};

/* An exchange that is under way, as the callbacks see it. */
typedef struct progress_t {
    oci_s3_exchange_t *exchange;
    struct curl_slist *lines; /* of the request */
    apr_off_t sent;           /* bytes of the body */
    apr_size_t room;          /* bytes that data has room for */
    char error[CURL_ERROR_SIZE];
    apr_pool_t *pool;
} progress_t;

/* The headers of a response that somebody asks for. */
static const char *const wanted[] = {
    "Content-Length", "Content-Range",       "Date",
    "ETag",           "Last-Modified",       "Retry-After",
    "Server",         "x-amz-bucket-region", NULL
};

apr_status_t oci_s3_transport_create(oci_s3_transport_t **transport,
                                     const char *ca_file,
                                     apr_interval_time_t silence,
                                     apr_pool_t *pool)
{
    oci_s3_transport_t *made = apr_pcalloc(pool, sizeof(*made));

    made->ca_file = ca_file;
    made->silence = silence;
    *transport = made;
    return oci_s3_handles_create(&made->handles, pool);
}

void oci_s3_transport_release(oci_s3_transport_t *transport,
                              oci_s3_handle_t *handle, int ended)
{
    oci_s3_handles_give(transport->handles, handle, ended);
}

/* Copy the next bytes of the request's body; a callback of libcurl. */
static size_t send_body(char *buffer, size_t one, size_t size, void *baton)
{
    progress_t *progress = baton;
    const oci_s3_exchange_t *exchange = progress->exchange;
    apr_off_t skip = progress->sent;
    size_t copied = 0;
    int i;

    size *= one;
    for (i = 0; i < exchange->count && copied < size; i++) {
        size_t length = exchange->body[i].iov_len;

        if ((apr_off_t)length <= skip) {
            skip -= length;
            continue;
        }
        length -= skip;
        if (length > size - copied) {
            length = size - copied;
        }
        memcpy(buffer + copied, (char *)exchange->body[i].iov_base + skip,
               length);
        copied += length;
        skip = 0;
    }
    progress->sent += copied;
    return copied;
}

/* Go to a byte of the request's body; a callback of libcurl, which repeats a
 * request if an idle connection turns out to be closed. */
static int seek_body(void *baton, curl_off_t offset, int origin)
{
    progress_t *progress = baton;

    if (origin != SEEK_SET) {
        return CURL_SEEKFUNC_CANTSEEK;
    }
    progress->sent = offset;
    progress->exchange->repeated = 1;
    return CURL_SEEKFUNC_OK;
}

/* Take one line of a response's head; a callback of libcurl. */
static size_t receive_header(char *line, size_t one, size_t size, void *baton)
{
    progress_t *progress = baton;
    const char *colon = memchr(line, ':', size);
    const char *end = line + size;
    int i;

    (void)one;
    if (size > 13 && !strncmp(line, "HTTP/1.", 7)) {
        apr_table_clear(progress->exchange->received);
        progress->exchange->status = atoi(line + 9);
        return size;
    }
    if (*line == '\r' || *line == '\n') {
        progress->exchange->begun = progress->exchange->status >= 200;
        return size;
    }
    for (i = 0; colon && wanted[i]; i++) {
        if (strlen(wanted[i]) == (size_t)(colon - line)
            && !strncasecmp(line, wanted[i], colon - line)) {
            do {
                colon++;
            } while (colon < end && apr_isspace(*colon));
            while (end > colon && apr_isspace(end[-1])) {
                end--;
            }
            apr_table_setn(progress->exchange->received, wanted[i],
                           apr_pstrmemdup(progress->pool, colon, end - colon));
            break;
        }
    }
    return size;
}

/* Collect the body of a response; a callback of libcurl.  The caller's limit is
 * for what it asked for, not for a document that describes an error. */
static size_t receive_body(char *bytes, size_t one, size_t size, void *baton)
{
    progress_t *progress = baton;
    oci_s3_exchange_t *exchange = progress->exchange;
    apr_size_t need = exchange->size + size + 1;
    apr_size_t limit = exchange->limit;

    (void)one;
    if (exchange->status >= 300 && limit < ERROR_MAX) {
        limit = ERROR_MAX;
    }
    if (exchange->size + size > limit) {
        exchange->too_large = 1;
        return 0;
    }
    if (need > progress->room) {
        char *data = exchange->data;

        progress->room = progress->room ? progress->room : FIRST_SIZE;
        while (progress->room < need) {
            progress->room *= 2;
        }
        exchange->data = apr_palloc(progress->pool, progress->room);
        if (exchange->size) {
            memcpy(exchange->data, data, exchange->size);
        }
    }
    memcpy(exchange->data + exchange->size, bytes, size);
    exchange->size += size;
    exchange->data[exchange->size] = '\0';
    return size;
}

/* Add a line to the head of a request; a visitor of apr_table_do. */
static int add_line(void *baton, const char *name, const char *value)
{
    progress_t *progress = baton;
    struct curl_slist *lines = curl_slist_append(progress->lines,
                                                 apr_pstrcat(progress->pool,
                                                             name, ": ", value,
                                                             NULL));

    if (lines) {
        progress->lines = lines;
    }
    return lines != NULL;
}

static apr_status_t free_lines(void *baton)
{
    progress_t *progress = baton;

    curl_slist_free_all(progress->lines);
    progress->lines = NULL;
    return APR_SUCCESS;
}

/* Set what an exchange has to do with its method and its body.  The length of
 * a body is always sent, also 0, except with methods that have no body. */
static void set_method(CURL *easy, progress_t *progress)
{
    const oci_s3_exchange_t *exchange = progress->exchange;
    curl_off_t size = 0;
    int i;

    for (i = 0; i < exchange->count; i++) {
        size += exchange->body[i].iov_len;
    }
    if (!strcmp(exchange->method, "HEAD")) {
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
        return;
    }
    if (!strcmp(exchange->method, "PUT") || !strcmp(exchange->method, "POST")) {
        curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, size);
        curl_easy_setopt(easy, CURLOPT_READFUNCTION, send_body);
        curl_easy_setopt(easy, CURLOPT_READDATA, progress);
        curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, seek_body);
        curl_easy_setopt(easy, CURLOPT_SEEKDATA, progress);
        curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, (long)SEND_SIZE);
    }
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, exchange->method);
}

/* Set what all exchanges have in common. */
static void set_options(CURL *easy, const oci_s3_transport_t *transport,
                        progress_t *progress)
{
    const oci_s3_exchange_t *exchange = progress->exchange;

    curl_easy_setopt(easy, CURLOPT_URL, exchange->url);
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
#if LIBCURL_VERSION_NUM >= 0x075500
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
#else
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS,
                     (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "mod_oci/" OCI_VERSION);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, progress->error);
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE,
                     (long)(exchange->sink ? OCI_S3_SINK_SIZE : BUFFER_SIZE));
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, progress->lines);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, receive_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, progress);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                     (long)(apr_time_as_msec(CONNECT_TIME)));
    curl_easy_setopt(easy, CURLOPT_PRIVATE, progress);
    if (transport->ca_file) {
        curl_easy_setopt(easy, CURLOPT_CAINFO, transport->ca_file);
    }
    if (exchange->direct) {
        curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    }
}

/* Empty the second half of an exchange. */
static void reset_response(oci_s3_exchange_t *exchange, apr_pool_t *pool)
{
    exchange->status = 0;
    exchange->begun = 0;
    exchange->received = apr_table_make(pool, 8);
    exchange->data = apr_pstrdup(pool, "");
    exchange->size = 0;
    exchange->too_large = 0;
    exchange->unsent = 0;
    exchange->repeated = 0;
    exchange->failure = NULL;
    exchange->advice = "";
}

apr_status_t oci_s3_transport_start(oci_s3_handle_t **handle,
                                    oci_s3_transport_t *transport,
                                    oci_s3_exchange_t *exchange,
                                    apr_pool_t *pool)
{
    progress_t *progress = apr_pcalloc(pool, sizeof(*progress));
    oci_s3_handle_t *taken = oci_s3_handles_take(transport->handles);

    if (!taken) {
        return APR_ENOMEM;
    }
    progress->exchange = exchange;
    progress->pool = pool;
    apr_pool_cleanup_register(pool, progress, free_lines,
                              apr_pool_cleanup_null);
    reset_response(exchange, pool);
    if (exchange->headers) {
        apr_table_do(add_line, progress, exchange->headers, NULL);
    }
    add_line(progress, "Expect", "");
    set_options(taken->easy, transport, progress);
    set_method(taken->easy, progress);
    curl_easy_setopt(taken->easy, CURLOPT_WRITEFUNCTION,
                     exchange->sink ? exchange->sink : receive_body);
    curl_easy_setopt(taken->easy, CURLOPT_WRITEDATA,
                     exchange->sink ? exchange->baton : progress);
    if (curl_multi_add_handle(taken->multi, taken->easy) != CURLM_OK) {
        oci_s3_transport_release(transport, taken, 0);
        return APR_ENOMEM;
    }
    *handle = taken;
    return APR_SUCCESS;
}

apr_status_t oci_s3_transport_drive(int *running, oci_s3_handle_t *handle,
                                    apr_interval_time_t wait)
{
    CURLMcode code = curl_multi_poll(handle->multi, NULL, 0,
                                     (int)((wait + 999) / 1000), NULL);

    if (code == CURLM_OK) {
        code = curl_multi_perform(handle->multi, running);
    }
    return code == CURLM_OK ? APR_SUCCESS : APR_EGENERAL;
}

void oci_s3_transport_resume(oci_s3_handle_t *handle)
{
    curl_easy_pause(handle->easy, CURLPAUSE_CONT);
}

/* Turn an error of libcurl into a status. */
static apr_status_t status_of(CURLcode code)
{
    switch (code) {
    case CURLE_OK:
        return APR_SUCCESS;
    case CURLE_OPERATION_TIMEDOUT:
        return APR_TIMEUP;
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_PARTIAL_FILE:
        return APR_ECONNREFUSED;
    default:
        return APR_EGENERAL;
    }
}

/* The host and the port of a URL. */
static const char *host_of(const char *url, apr_pool_t *pool)
{
    apr_uri_t uri;

    if (apr_uri_parse(pool, url, &uri) != APR_SUCCESS || !uri.hostname) {
        return url;
    }
    return apr_psprintf(pool, strchr(uri.hostname, ':') ? "[%s]:%d" : "%s:%d",
                        uri.hostname,
                        uri.port ? uri.port
                                 : apr_uri_port_of_scheme(uri.scheme));
}

/* Whether a handshake failed because the answer was not one of TLS, in the
 * words of the libraries that libcurl can use. */
static int is_not_tls(const char *failure)
{
    return strstr(failure, "wrong version number")
        || strstr(failure, "packet length too long")
        || strstr(failure, "record layer failure")
        || strstr(failure, "unexpected TLS packet");
}

/* Say what to do about an error of libcurl; "" if its own words do. */
static const char *advice_on(CURLcode result, const oci_s3_exchange_t *exchange,
                             apr_pool_t *pool)
{
    const char *host = host_of(exchange->url, pool);

    switch (result) {
    case CURLE_PEER_FAILED_VERIFICATION:
        return "; OCIS3CAFile names the certificates to trust";
    case CURLE_SSL_CACERT_BADFILE:
        return "; check the file of OCIS3CAFile, or the certificates of the "
               "system";
    case CURLE_SSL_CONNECT_ERROR:
        return is_not_tls(exchange->failure)
            ? apr_psprintf(pool,
                           "; the server at %s, or a proxy before it, did not "
                           "answer with TLS: check the scheme and the port of "
                           "its URL",
                           host)
            : "";
    case CURLE_GOT_NOTHING:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
        return strncmp(exchange->url, "http:", 5)
            ? ""
            : apr_psprintf(pool,
                           "; if the server at %s expects TLS, its URL must "
                           "begin with https://",
                           host);
    default:
        return "";
    }
}

apr_status_t oci_s3_transport_result(oci_s3_exchange_t *exchange,
                                     oci_s3_handle_t *handle, apr_pool_t *pool)
{
    CURLcode result = CURLE_RECV_ERROR;
    progress_t *progress = NULL;
    curl_off_t connected = 0;
    CURLMsg *message;
    long status = 0;
    int left;

    while ((message = curl_multi_info_read(handle->multi, &left))) {
        if (message->msg == CURLMSG_DONE) {
            result = message->data.result;
        }
    }
    curl_easy_getinfo(handle->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(handle->easy, CURLINFO_PRETRANSFER_TIME_T, &connected);
    curl_easy_getinfo(handle->easy, CURLINFO_PRIVATE, &progress);
    exchange->status = (int)status;
    exchange->unsent = result != CURLE_OK && !connected;
    if (result != CURLE_OK) {
        exchange->failure = apr_pstrdup(pool,
                                        progress && *progress->error
                                            ? progress->error
                                            : curl_easy_strerror(result));
        exchange->advice = advice_on(result, exchange, pool);
    }
    return exchange->too_large ? APR_EGENERAL : status_of(result);
}

apr_status_t oci_s3_transport_run(oci_s3_transport_t *transport,
                                  oci_s3_exchange_t *exchange, apr_pool_t *pool)
{
    apr_interval_time_t left = exchange->deadline
        ? exchange->deadline - oci_s3_now()
        : APR_INT64_C(0);
    oci_s3_handle_t *handle;
    apr_status_t rv;
    int running = 1;

    exchange->failure = "there is no time left";
    exchange->advice = "";
    if (exchange->deadline && left <= 0) {
        exchange->unsent = 1;
        return APR_TIMEUP;
    }
    rv = oci_s3_transport_start(&handle, transport, exchange, pool);
    if (rv != APR_SUCCESS) {
        exchange->failure = "there is no memory left";
        return APR_EGENERAL;
    }
    if (left) {
        curl_easy_setopt(handle->easy, CURLOPT_TIMEOUT_MS,
                         (long)apr_time_as_msec(left) + 1);
    }
    curl_easy_setopt(handle->easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(handle->easy, CURLOPT_LOW_SPEED_TIME,
                     (long)apr_time_sec(transport->silence));
    while (running && rv == APR_SUCCESS) {
        rv = oci_s3_transport_drive(&running, handle, apr_time_from_sec(1));
    }
    if (rv == APR_SUCCESS) {
        rv = oci_s3_transport_result(exchange, handle, pool);
    }
    else {
        exchange->failure = "libcurl failed";
    }
    oci_s3_transport_release(transport, handle, !running);
    return rv;
}
