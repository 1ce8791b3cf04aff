/* SPDX-License-Identifier: Apache-2.0 */

/* Sending replies, and turning errors into HTTP statuses and JSON. */

#include "httpd.h"
#include "http_config.h"
#include "http_core.h"
#include "http_log.h"
#include "http_protocol.h"
#include "http_request.h"
#include "util_filter.h"
#include "apr_strings.h"

#include "api/body.h"
#include "api/reply.h"
#include "values/etag.h"
#include "values/json.h"

APLOG_USE_MODULE(oci);

/* When clients may try again after a 503, in seconds. */
#define RETRY_AFTER "5"

/* The specification's codes (distribution-spec, "Error Codes").  UNKNOWN and
 * UNAVAILABLE are from Docker's Registry HTTP API V2, for errors that have no
 * code in the specification. */
static const struct {
    int status;
    const char *code;
} errors[OCI_E_COUNT] = {
    [OCI_E_BLOB_UNKNOWN] = { 404, "BLOB_UNKNOWN" },
    [OCI_E_BLOB_CHANGED] = { 412, "DIGEST_INVALID" },
    [OCI_E_UPLOAD_UNKNOWN] = { 404, "BLOB_UPLOAD_UNKNOWN" },
    [OCI_E_UPLOAD_INVALID] = { 400, "BLOB_UPLOAD_INVALID" },
    [OCI_E_UPLOAD_RANGE] = { 416, "BLOB_UPLOAD_INVALID" },
    [OCI_E_RANGE_UNSATISFIABLE] = { 416, "SIZE_INVALID" },
    [OCI_E_DIGEST_INVALID] = { 400, "DIGEST_INVALID" },
    [OCI_E_MANIFEST_BLOB_UNKNOWN] = { 404, "MANIFEST_BLOB_UNKNOWN" },
    [OCI_E_MANIFEST_INVALID] = { 400, "MANIFEST_INVALID" },
    [OCI_E_MANIFEST_UNKNOWN] = { 404, "MANIFEST_UNKNOWN" },
    [OCI_E_MANIFEST_TOO_LARGE] = { 413, "MANIFEST_INVALID" },
    [OCI_E_MANIFEST_CHANGED] = { 412, "MANIFEST_INVALID" },
    [OCI_E_NAME_INVALID] = { 400, "NAME_INVALID" },
    [OCI_E_NAME_UNKNOWN] = { 404, "NAME_UNKNOWN" },
    [OCI_E_TAG_INVALID] = { 400, "MANIFEST_INVALID" },
    [OCI_E_TAG_IMMUTABLE] = { 409, "DENIED" },
    [OCI_E_SIZE_INVALID] = { 400, "SIZE_INVALID" },
    [OCI_E_TOO_LARGE] = { 413, "SIZE_INVALID" },
    [OCI_E_BODY_INCOMPLETE] = { 400, "SIZE_INVALID" },
    [OCI_E_REQUEST_INVALID] = { 400, "UNSUPPORTED" },
    [OCI_E_URI_TOO_LONG] = { 414, "UNSUPPORTED" },
    [OCI_E_TIMEOUT] = { 408, "UNSUPPORTED" },
    [OCI_E_ENDPOINT_UNKNOWN] = { 404, "UNSUPPORTED" },
    [OCI_E_METHOD_UNSUPPORTED] = { 405, "UNSUPPORTED" },
    [OCI_E_UNAUTHORIZED] = { 401, "UNAUTHORIZED" },
    [OCI_E_DENIED] = { 403, "DENIED" },
    [OCI_E_TOO_MANY_REQUESTS] = { 429, "TOOMANYREQUESTS" },
    [OCI_E_STORAGE_FULL] = { 507, "UNKNOWN" },
    [OCI_E_UNAVAILABLE] = { 503, "UNAVAILABLE" },
    [OCI_E_INTERNAL] = { 500, "UNKNOWN" },
};

void oci_reply_header(oci_request_t *request, const char *name,
                      const char *value)
{
    apr_table_setn(request->r->headers_out, name, value);
}

/* The content of a digest never changes.  If access to it is restricted, only
 * private caches may store it.  The content is chosen by the client that pushed
 * it, so a browser must not guess that it is a script. */
void oci_reply_digest(oci_request_t *request, const char *digest)
{
    request_rec *r = request->r;
    int guarded = request->guarded || r->user || ap_auth_type(r)
        || apr_table_get(r->headers_in, "Authorization");

    oci_reply_header(request, "X-Content-Type-Options", "nosniff");
    oci_reply_header(request, "Docker-Content-Digest", digest);
    oci_reply_header(request, "ETag",
                     apr_pstrcat(r->pool, "\"", digest, "\"", NULL));
    if (!strcmp(request->route.reference, digest)) {
        oci_reply_header(request, "Cache-Control",
                         guarded ? "private, max-age=31536000"
                                 : "max-age=31536000");
    }
}

void oci_reply_next(oci_request_t *request, const char *path, const char *query)
{
    oci_reply_header(request, "Link",
                     apr_psprintf(request->r->pool, "</v2/%s?%s>; rel=\"next\"",
                                  path, query));
}

void oci_reply_location(oci_request_t *request, const char *format, ...)
{
    va_list ap;
    const char *path;

    va_start(ap, format);
    path = apr_pvsprintf(request->r->pool, format, ap);
    va_end(ap);
    oci_reply_header(request, "Location",
                     apr_pstrcat(request->r->pool, "/v2/", path, NULL));
}

/* Send a body.  httpd's filter for ranges is removed, because handlers process
 * ranges themselves. */
static void send_brigade(request_rec *r, int status, apr_bucket_brigade *bb,
                         apr_off_t length)
{
    ap_filter_t *filter;

    r->status = status;
    for (filter = r->output_filters; filter; filter = filter->next) {
        if (!ap_cstr_casecmp(filter->frec->name, "byterange")) {
            ap_remove_output_filter(filter);
            break;
        }
    }
    if (!apr_table_get(r->headers_out, "Cache-Control")) {
        apr_table_setn(r->headers_out, "Cache-Control", "no-cache");
    }
    if (status != HTTP_NO_CONTENT && status != HTTP_NOT_MODIFIED) {
        ap_set_content_length(r, length);
        if (!length) {
            /* httpd omits a Content-Length of 0 from the reply to HEAD */
            r->header_only = 0;
        }
    }
    APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_eos_create(bb->bucket_alloc));
    ap_pass_brigade(r->output_filters, bb);
}

oci_error_t *oci_reply_brigade(oci_request_t *request, int status,
                               apr_bucket_brigade *brigade, apr_off_t length)
{
    send_brigade(request->r, status, brigade, length);
    return NULL;
}

static apr_bucket_brigade *brigade_of(request_rec *r, const char *data,
                                      apr_size_t size)
{
    apr_bucket_alloc_t *alloc = r->connection->bucket_alloc;
    apr_bucket_brigade *bb = apr_brigade_create(r->pool, alloc);

    if (size) {
        APR_BRIGADE_INSERT_TAIL(bb,
                                apr_bucket_pool_create(data, size, r->pool,
                                                       alloc));
    }
    return bb;
}

oci_error_t *oci_reply_empty(oci_request_t *request, int status)
{
    return oci_reply_brigade(request, status, brigade_of(request->r, NULL, 0),
                             0);
}

oci_error_t *oci_reply_data(oci_request_t *request, const char *type,
                            const char *data, apr_size_t size)
{
    ap_set_content_type(request->r, type);
    return oci_reply_brigade(request, HTTP_OK,
                             brigade_of(request->r, data, size), size);
}

/* RFC 9110, 13.2.2 */
oci_error_t *oci_reply_conditions(int *answered, oci_request_t *request,
                                  const char *digest, oci_error_e code)
{
    request_rec *r = request->r;
    const char *match = apr_table_get(r->headers_in, "If-Match");
    const char *none_match = apr_table_get(r->headers_in, "If-None-Match");

    *answered = 0;
    if (match && !oci_etag_match(match, digest, 0)) {
        return oci_error_make(r->pool, code, "digest", digest,
                              "the condition If-Match is not met: the digest "
                              "is %s",
                              digest);
    }
    if (none_match && oci_etag_match(none_match, digest, 1)) {
        oci_reply_empty(request, HTTP_NOT_MODIFIED);
        *answered = 1;
    }
    return NULL;
}

int oci_error_status(const oci_error_t *error)
{
    return errors[error->code].status;
}

/* The specification's description of each code.  Clients and scripts look for
 * these words. */
static const struct {
    const char *code;
    const char *description;
} descriptions[] = {
    { "BLOB_UNKNOWN", "blob unknown to registry" },
    { "BLOB_UPLOAD_INVALID", "blob upload invalid" },
    { "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry" },
    { "DENIED", "requested access to the resource is denied" },
    { "DIGEST_INVALID", "provided digest did not match uploaded content" },
    { "MANIFEST_BLOB_UNKNOWN",
      "manifest references a manifest or blob unknown to registry" },
    { "MANIFEST_INVALID", "manifest invalid" },
    { "MANIFEST_UNKNOWN", "manifest unknown to registry" },
    { "NAME_INVALID", "invalid repository name" },
    { "NAME_UNKNOWN", "repository name not known to registry" },
    { "SIZE_INVALID", "provided length did not match content length" },
    { "TOOMANYREQUESTS", "too many requests" },
    { "UNAUTHORIZED", "authentication required" },
    { "UNSUPPORTED", "the operation is unsupported" },
};

/* Return an error's message, after the specification's description of its
 * code. */
static const char *message_of(const oci_error_t *error, apr_pool_t *pool)
{
    const char *code = errors[error->code].code;
    apr_size_t i;

    for (i = 0; i < sizeof(descriptions) / sizeof(*descriptions); i++) {
        if (!strcmp(code, descriptions[i].code)) {
            return apr_pstrcat(pool, descriptions[i].description, ": ",
                               error->message, NULL);
        }
    }
    return error->message;
}

const char *oci_error_body(request_rec *r, const oci_error_t *error)
{
    apr_pool_t *pool = r->pool;
    apr_array_header_t *texts = apr_array_make(pool, 1, sizeof(const char *));

    apr_table_setn(r->subprocess_env, "OCI_ERROR", errors[error->code].code);
    for (; error; error = error->next) {
        const char *detail = "", *text;

        /* some clients print an empty detail, so it is omitted */
        if (error->value) {
            detail = apr_pstrcat(pool, ",\"detail\":{",
                                 oci_json_quote(error->key, pool), ":",
                                 oci_json_quote(error->value, pool), "}", NULL);
        }
        text = apr_pstrcat(pool, "{\"code\":\"", errors[error->code].code,
                           "\",\"message\":",
                           oci_json_quote(message_of(error, pool), pool),
                           detail, "}", NULL);
        APR_ARRAY_PUSH(texts, const char *) = text;
    }
    return apr_pstrcat(pool, "{\"errors\":[",
                       apr_array_pstrcat(pool, texts, ','), "]}\n", NULL);
}

/* Return the level of a client's error.  Many clients begin without credentials
 * and send them when asked: asking for them is not worth a line at info. */
static int level_of(const request_rec *r, const oci_error_t *error)
{
    int anonymous = !r->user && !apr_table_get(r->headers_in, "Authorization");

    if (error->code == OCI_E_DENIED || error->code == OCI_E_TAG_IMMUTABLE
        || (error->code == OCI_E_UNAUTHORIZED && !anonymous)) {
        return APLOG_INFO;
    }
    return APLOG_DEBUG;
}

void oci_reply_log(request_rec *r, const oci_error_t *error)
{
    const char *detail = "";

    if (error->note) {
        int level = error->code == OCI_E_TOO_LARGE ? level_of(r, error)
            : oci_error_status(error) < 500        ? APLOG_CRIT
                                                   : APLOG_ERR;

        ap_log_rerror(APLOG_MARK, level, error->status, r, "oci: %s",
                      error->note);
        return;
    }
    if (error->value) {
        detail = apr_pstrcat(r->pool, " (", error->key, ": ", error->value, ")",
                             NULL);
    }
    ap_log_rerror(APLOG_MARK, level_of(r, error), error->status, r,
                  "oci: %s %s: %s: %s%s", r->method, r->uri,
                  errors[error->code].code, error->message, detail);
}

oci_error_t *oci_reply_released(oci_request_t *request, oci_error_t *error)
{
    if (!error
        || (error->code != OCI_E_STORAGE_FULL
            && error->code != OCI_E_INTERNAL)) {
        return error;
    }
    ap_log_rerror(APLOG_MARK, APLOG_WARNING, error->status, request->r,
                  "oci: garbage collection may delete this content although a "
                  "client has just asked for it: %s",
                  error->note);
    return NULL;
}

void oci_reply_error(request_rec *r, const oci_error_t *error)
{
    const char *body;
    apr_size_t size;

    oci_reply_log(r, error);
    if (error->status == AP_FILTER_ERROR) {
        return; /* httpd has sent its reply, through the error filter */
    }
    oci_body_leave(r);
    body = oci_error_body(r, error);
    size = strlen(body);
    apr_table_setn(r->headers_out, "Cache-Control", "no-cache");
    if (oci_error_status(error) == HTTP_SERVICE_UNAVAILABLE) {
        apr_table_setn(r->headers_out, "Retry-After", RETRY_AFTER);
    }
    ap_set_content_type(r, "application/json");
    send_brigade(r, oci_error_status(error), brigade_of(r, body, size), size);
}

oci_error_t *oci_error_of_status(request_rec *r, int status)
{
    static const struct {
        int status;
        oci_error_e code;
        const char *message;
    } known[] = {
        { 401, OCI_E_UNAUTHORIZED, "log in, or send a token that allows this" },
        { 403, OCI_E_DENIED, "this request is not allowed" },
        { 404, OCI_E_ENDPOINT_UNKNOWN,
          "this path is not an endpoint of the registry" },
        { 405, OCI_E_METHOD_UNSUPPORTED,
          "use a method that the header Allow lists" },
        { 408, OCI_E_TIMEOUT, "the request did not arrive in time" },
        { 413, OCI_E_TOO_LARGE,
          "the body is larger than the server allows (LimitRequestBody)" },
        { 414, OCI_E_URI_TOO_LONG,
          "the URL is longer than the server allows (LimitRequestLine)" },
        { 429, OCI_E_TOO_MANY_REQUESTS, "wait, then try again" },
        { 503, OCI_E_UNAVAILABLE,
          "the server cannot answer at the moment; try again later" },
    };
    apr_size_t i;

    for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (known[i].status == status) {
            return oci_error_make(r->pool, known[i].code, NULL, NULL, "%s",
                                  known[i].message);
        }
    }
    return oci_error_make(r->pool,
                          status >= HTTP_INTERNAL_SERVER_ERROR
                              ? OCI_E_INTERNAL
                              : OCI_E_REQUEST_INVALID,
                          NULL, NULL, "%s", ap_get_status_line(status));
}
