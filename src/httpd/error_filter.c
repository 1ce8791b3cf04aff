/* SPDX-License-Identifier: Apache-2.0 */

/* Turning the errors that httpd raises into the registry's JSON errors. */

#include "httpd.h"
#include "http_config.h"
#include "http_core.h"
#include "http_protocol.h"
#include "http_request.h"
#include "util_filter.h"
#include "apr_strings.h"

#include "api/body.h"
#include "api/reply.h"
#include "httpd/authn.h"
#include "httpd/config.h"
#include "httpd/context.h"
#include "httpd/denial.h"
#include "httpd/error_documents.h"
#include "httpd/error_filter.h"

#define FILTER_NAME "oci-error"

/* Whether a line of the log should say which credentials or rights are missing.
 * For a token that is not valid, the log already says what is wrong with it. */
static int is_denial(const request_rec *r, const oci_context_t *context)
{
    int bad_token = context && context->token_error && !context->bearer;

    return r->status == HTTP_FORBIDDEN
        || (r->status == HTTP_UNAUTHORIZED && !bad_token);
}

/* Replace the body with JSON, and keep the headers of httpd's response. */
static apr_status_t send_json(ap_filter_t *f, apr_bucket_brigade *bb)
{
    request_rec *r = f->r;
    oci_context_t *context = oci_context_get(r);
    const oci_error_t *error;
    const char *body;
    apr_size_t size;
    apr_bucket_alloc_t *alloc = r->connection->bucket_alloc;

    if (context) {
        oci_authn_correct_error(r, context);
    }
    error = oci_denial_error(r, context, r->status);
    if (is_denial(r, context)) {
        oci_reply_log(r, error);
    }
    body = oci_error_body(r, error);
    size = strlen(body);
    oci_body_leave(r);
    apr_table_setn(r->headers_out, "Docker-Distribution-API-Version",
                   "registry/2.0");
    apr_table_setn(r->headers_out, "Cache-Control", "no-cache");
    ap_set_content_type(r, "application/json");
    ap_set_content_length(r, size);
    APR_BRIGADE_INSERT_TAIL(bb,
                            apr_bucket_pool_create(body, size, r->pool, alloc));
    APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_eos_create(alloc));
    return ap_pass_brigade(f->next, bb);
}

static apr_status_t error_filter(ap_filter_t *f, apr_bucket_brigade *bb)
{
    apr_brigade_cleanup(bb);
    if (f->ctx) {
        return APR_SUCCESS; /* the rest of httpd's page */
    }
    f->ctx = f;
    return send_json(f, bb);
}

/* Whether an error belongs to a registry.  It may be raised before httpd knows
 * the Location, or even the URL.  Then every client of a server that has a
 * registry gets the registry's form of the error. */
static int error_is_ours(request_rec *r)
{
    if (oci_context_get(r) || oci_is_ours(r)) {
        return 1;
    }
    if (!r->uri || *r->uri != '/') {
        return oci_config_has_store(r->server);
    }
    return oci_is_ours_by_location(r);
}

static void insert_error_filter(request_rec *r)
{
    if (r->status < HTTP_BAD_REQUEST) {
        return;
    }
    if (error_is_ours(r)) {
        ap_add_output_filter(FILTER_NAME, NULL, r, r->connection);
    }
    else {
        oci_error_documents_unmask(r);
    }
}

void oci_error_filter_register(void)
{
    ap_register_output_filter(FILTER_NAME, error_filter, NULL,
                              AP_FTYPE_CONTENT_SET);
    ap_hook_insert_error_filter(insert_error_filter, NULL, NULL,
                                APR_HOOK_MIDDLE);
}
