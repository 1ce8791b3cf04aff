/* SPDX-License-Identifier: Apache-2.0 */

/* The token endpoint, SetHandler oci-token: it issues Bearer tokens to callers
 * that httpd has authenticated. */

#include <stdlib.h>

#include "httpd.h"
#include "http_config.h"
#include "http_protocol.h"
#include "apr_general.h"
#include "apr_strings.h"

#include "api/reply.h"
#include "httpd/authz.h"
#include "httpd/bearer.h"
#include "httpd/config.h"
#include "httpd/token.h"
#include "values/base64url.h"
#include "values/jwt.h"
#include "values/name.h"
#include "values/query.h"
#include "values/scope.h"
#include "values/timestamp.h"

/* A token is sent in a header with every request, so its length is limited.  If
 * a client requests more scopes than this, or if their list exceeds this number
 * of bytes, the token has no list: the Require lines alone decide what it
 * allows. */
#define SCOPES_MAX 64
#define ACCESS_MAX 3000

/* The length of a token's random "jti", in bytes. */
#define ID_BYTES 16

/*
 *   GET  /token?service=S&scope=repository:a:pull,push&scope=...
 *   POST /token  grant_type=password&username=U&password=P&service=S&scope=...
 *
 * httpd's authentication identifies the caller.  Each scope is reduced to the
 * actions that the Require lines of the registry allow this caller.
 */

static int add_scope(void *scopes, const char *name, const char *value)
{
    (void)name;
    oci_scopes_parse(scopes, value);
    return 1;
}

/* Return the actions of a scope that the Require lines allow. */
static unsigned granted_actions(request_rec *r, const oci_scope_t *scope)
{
    unsigned actions = 0;
    unsigned action;

    if (!strcmp(scope->type, "registry") && !strcmp(scope->name, "catalog")) {
        return oci_authz_allows(r, NULL, OCI_PULL) ? scope->actions : 0;
    }
    if (strcmp(scope->type, "repository") || !oci_name_valid(scope->name)) {
        return 0;
    }
    for (action = OCI_PULL; action <= OCI_DELETE; action <<= 1) {
        if ((scope->actions & action)
            && oci_authz_allows(r, scope->name, action)) {
            actions |= action;
        }
    }
    return actions;
}

/* Read the scopes that the client requests, and reduce them to what is granted.
 * scopes: set to NULL if there are more than SCOPES_MAX */
static void read_scopes(apr_array_header_t **scopes, request_rec *r,
                        const apr_table_t *form)
{
    int i;

    *scopes = apr_array_make(r->pool, 2, sizeof(oci_scope_t));
    apr_table_do(add_scope, *scopes, form, "scope", NULL);
    if ((*scopes)->nelts > SCOPES_MAX) {
        *scopes = NULL;
        return;
    }
    for (i = 0; i < (*scopes)->nelts; i++) {
        oci_scope_t *scope = &APR_ARRAY_IDX(*scopes, i, oci_scope_t);

        scope->actions = granted_actions(r, scope);
    }
}

/* Make the claims of a new token.
 * id: of the token
 * access: the list of scopes, or NULL for a token without one
 * @return NULL if the user name is not UTF-8, which JSON needs */
static json_t *make_claims(request_rec *r, const char *id, json_t *access,
                           int lifetime)
{
    json_int_t now = apr_time_sec(r->request_time);

    return json_pack("{s:s, s:o, s:s, s:I, s:I, s:I, s:s, s:o*}", "iss",
                     oci_bearer_issuer(r), "aud", oci_bearer_audience(r), "sub",
                     r->user ? r->user : "", "iat", now, "nbf", now, "exp",
                     now + lifetime, "jti", id, "access", access);
}

/* Make the list of scopes for a token.  Returns NULL if it is too long. */
static json_t *access_of(const apr_array_header_t *scopes)
{
    json_t *access = scopes ? oci_scopes_to_access(scopes) : NULL;
    char *text = access ? json_dumps(access, JSON_COMPACT) : NULL;

    if (text && strlen(text) > ACCESS_MAX) {
        json_decref(access);
        access = NULL;
    }
    free(text);
    return access;
}

static oci_error_t *make_token(const char **token, request_rec *r,
                               const apr_array_header_t *scopes, int lifetime)
{
    unsigned char id[ID_BYTES];
    apr_status_t rv = apr_generate_random_bytes(id, sizeof(id));
    json_t *claims;

    if (rv != APR_SUCCESS) {
        return oci_error_storage(r->pool, rv, "cannot read random bytes");
    }
    claims = make_claims(r, oci_base64url_encode(id, sizeof(id), r->pool),
                         access_of(scopes), lifetime);
    if (!claims) {
        return oci_error_make(r->pool, OCI_E_REQUEST_INVALID, NULL, NULL,
                              "the user name is not valid UTF-8");
    }
    *token = oci_jwt_sign(oci_config_keys(oci_config_of(r)), claims, r->pool);
    json_decref(claims);
    return *token ? NULL
                  : oci_error_make(r->pool, OCI_E_INTERNAL, NULL, NULL,
                                   "the token cannot be signed");
}

static oci_error_t *issue_token(oci_request_t *request,
                                const apr_array_header_t *scopes)
{
    request_rec *r = request->r;
    int lifetime = oci_config_token_lifetime(oci_config_of(r));
    const char *token = NULL;
    const char *body;
    oci_error_t *error = make_token(&token, r, scopes, lifetime);

    if (error) {
        return error;
    }
    body = apr_psprintf(r->pool,
                        "{\"token\":\"%s\",\"access_token\":\"%s\","
                        "\"token_type\":\"Bearer\",\"expires_in\":%d,"
                        "\"issued_at\":\"%s\"}\n",
                        token, token, lifetime,
                        oci_timestamp_format(apr_time_sec(r->request_time),
                                             r->pool));
    oci_reply_header(request, "Cache-Control", "no-store");
    return oci_reply_data(request, "application/json", body, strlen(body));
}

/* Read the parameters of a request: from the form, which was read before
 * authentication, or from the query. */
static oci_error_t *read_parameters(const apr_table_t **parameters,
                                    request_rec *r)
{
    const oci_context_t *context = oci_context_get(r);
    apr_table_t *query;

    if (r->method_number == M_POST) {
        *parameters = context->form;
        return context->form_error;
    }
    if (oci_query_parse(&query, r->args, r->pool) != APR_SUCCESS) {
        return oci_error_make(r->pool, OCI_E_REQUEST_INVALID, NULL, NULL,
                              "the query string is not properly encoded");
    }
    *parameters = query;
    return NULL;
}

static oci_error_t *serve_token_request(oci_request_t *request)
{
    request_rec *r = request->r;
    apr_array_header_t *scopes;
    const apr_table_t *parameters = NULL;
    const char *service;
    oci_error_t *error = read_parameters(&parameters, r);

    if (error) {
        return error;
    }
    service = apr_table_get(parameters, "service");
    if (service && *service && strcmp(service, oci_bearer_service(r))) {
        return oci_error_make(r->pool, OCI_E_REQUEST_INVALID, "service",
                              service,
                              "this endpoint issues tokens for the service %s "
                              "only",
                              oci_bearer_service(r));
    }
    read_scopes(&scopes, r, parameters);
    return issue_token(request, scopes);
}

/* Return the part of a message that says why no tokens can be issued here, NULL
 * if they can. */
static const char *why_unable(const oci_config_t *config)
{
    const oci_key_set_t *keys = oci_config_keys(config);

    if (!oci_config_uses_tokens(config)) {
        return "OCIToken is not On";
    }
    if (!keys) {
        return "there is no OCITokenKey";
    }
    return oci_key_set_signer(keys)
        ? NULL
        : "OCITokenKey holds no signing key, only keys of another issuer";
}

static oci_error_t *refuse_all(const request_rec *r, const char *why)
{
    oci_error_t *error = oci_error_make(r->pool, OCI_E_UNAVAILABLE, NULL, NULL,
                                        "this server issues no tokens; its "
                                        "error log says why");

    error->note = apr_psprintf(r->pool,
                               "no tokens are issued at %s: %s; set OCIToken "
                               "On and an OCITokenKey in the virtual host, or "
                               "remove this Location if another server issues "
                               "the tokens",
                               r->uri, why);
    return error;
}

int oci_token_handler(request_rec *r)
{
    const char *why;
    oci_request_t request;
    oci_error_t *error;

    if (!r->handler || strcmp(r->handler, OCI_TOKEN_HANDLER)
        || !oci_context_get(r)) {
        return DECLINED;
    }
    memset(&request, 0, sizeof(request));
    request.r = r;
    why = why_unable(oci_config_of(r));
    if (why) {
        error = refuse_all(r, why);
    }
    else if (r->method_number != M_GET && r->method_number != M_POST) {
        oci_reply_header(&request, "Allow", "GET, HEAD, POST");
        error = oci_error_make(r->pool, OCI_E_METHOD_UNSUPPORTED, "method",
                               r->method, "request a token with GET or POST");
    }
    else {
        error = serve_token_request(&request);
    }
    if (error) {
        oci_reply_error(r, error);
    }
    return OK;
}
