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
#include "http_request.h"
#include "apr_base64.h"
#include "apr_strings.h"

#include "api/reply.h"
#include "httpd/authz.h"
#include "httpd/bearer.h"
#include "httpd/config.h"
#include "httpd/token.h"
#include "spec/json.h"
#include "spec/jwt.h"
#include "spec/name.h"
#include "spec/query.h"
#include "spec/scope.h"

/* The longest form that is read, in bytes, and the most scopes of it. */
#define FORM_MAX   (64 * 1024)
#define SCOPES_MAX 64

/*
 *   GET  /token?service=S&scope=repository:a:pull,push&scope=...
 *   POST /token  grant_type=password&username=U&password=P&service=S&scope=...
 *
 * Who asks is who httpd's authentication says for a GET, and by the form for
 * a POST.  Every scope is granted as far as the Require lines of the registry
 * allow it to him.
 */

/* The form of a POST (RFC 6749, 4.3.2). */
static oci_error_t *read_form(apr_table_t **form, request_rec *r)
{
    apr_array_header_t *pairs = NULL;
    int status = ap_parse_form_data(r, NULL, &pairs, -1, FORM_MAX);
    ap_form_pair_t *pair;

    if (status != OK || !pairs) {
        return oci_error_make(r->pool, OCI_E_REQUEST_INVALID, NULL, NULL,
                              "the body is no form of %d bytes at most",
                              FORM_MAX);
    }
    *form = apr_table_make(r->pool, 8);
    while ((pair = apr_array_pop(pairs))) {
        apr_size_t size;
        char *value;

        if (apr_brigade_pflatten(pair->value, &value, &size, r->pool)) {
            return oci_error_make(r->pool, OCI_E_REQUEST_INVALID, NULL,
                                  NULL, "the form can't be read");
        }
        apr_table_addn(*form, pair->name,
                       apr_pstrmemdup(r->pool, value, size));
    }
    return NULL;
}

static const char *value_of(const apr_table_t *form, const char *name)
{
    const char *value = apr_table_get(form, name);

    return value ? value : "";
}

/* Let httpd's providers check the form's name and password, as they would
 * have been sent in a header. */
static oci_error_t *authenticate(request_rec *r, const apr_table_t *form)
{
    const char *pair = apr_pstrcat(r->pool, value_of(form, "username"), ":",
                                   value_of(form, "password"), NULL);
    char *encoded = apr_palloc(r->pool,
                               apr_base64_encode_len((int)strlen(pair)));
    request_rec *rr;

    if (strcmp(value_of(form, "grant_type"), "password")) {
        return oci_error_make(r->pool, OCI_E_REQUEST_INVALID, "grant_type",
                              value_of(form, "grant_type"), "the only "
                              "grant_type is password");
    }
    if (ap_strchr_c(value_of(form, "username"), ':')) {
        return oci_error_make(r->pool, OCI_E_UNAUTHORIZED, NULL, NULL,
                              "a user name holds no colon");
    }
    apr_base64_encode(encoded, pair, (int)strlen(pair));
    apr_table_setn(r->headers_in, "Authorization",
                   apr_pstrcat(r->pool, "Basic ", encoded, NULL));
    rr = ap_sub_req_method_uri("GET", r->uri, r, NULL);
    r->user = rr->status == HTTP_OK && rr->user
              ? apr_pstrdup(r->pool, rr->user) : NULL;
    ap_destroy_sub_req(rr);
    return r->user ? NULL
        : oci_error_make(r->pool, OCI_E_UNAUTHORIZED, NULL, NULL,
                         "the user name or the password is wrong");
}

static int add_scope(void *scopes, const char *name, const char *value)
{
    (void)name;
    oci_scopes_parse(scopes, value);
    return 1;
}

/* What the Require lines leave of a scope. */
static unsigned granted(request_rec *r, const oci_scope_t *scope)
{
    unsigned actions = 0;
    unsigned action;

    if (!strcmp(scope->type, "registry") && !strcmp(scope->name, "catalog")) {
        return scope->actions;
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

static oci_error_t *read_scopes(apr_array_header_t **scopes, request_rec *r,
                                const apr_table_t *form)
{
    int i;

    *scopes = apr_array_make(r->pool, 2, sizeof(oci_scope_t));
    apr_table_do(add_scope, *scopes, form, "scope", NULL);
    if ((*scopes)->nelts > SCOPES_MAX) {
        return oci_error_make(r->pool, OCI_E_REQUEST_INVALID, NULL, NULL,
                              "there are more than %d scopes", SCOPES_MAX);
    }
    for (i = 0; i < (*scopes)->nelts; i++) {
        oci_scope_t *scope = &APR_ARRAY_IDX(*scopes, i, oci_scope_t);

        scope->actions = granted(r, scope);
    }
    return NULL;
}

static const char *rfc3339(apr_time_t when, apr_pool_t *pool)
{
    apr_time_exp_t t;

    apr_time_exp_gmt(&t, when);
    return apr_psprintf(pool, "%04d-%02d-%02dT%02d:%02d:%02dZ",
                        t.tm_year + 1900, t.tm_mon + 1, t.tm_mday,
                        t.tm_hour, t.tm_min, t.tm_sec);
}

static oci_error_t *issue(oci_request_t *request,
                          const apr_array_header_t *scopes)
{
    request_rec *r = request->r;
    const oci_config_t *config = ap_get_module_config(r->per_dir_config,
                                                      &oci_module);
    json_int_t now = apr_time_sec(r->request_time);
    int lifetime = oci_config_token_lifetime(config);
    json_t *claims = json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:s, s:o}",
                               "iss", oci_bearer_issuer(r),
                               "aud", oci_bearer_service(r),
                               "sub", r->user ? r->user : "",
                               "iat", now, "nbf", now, "exp", now + lifetime,
                               "jti", apr_table_get(r->subprocess_env,
                                                    "UNIQUE_ID")
                                      ? apr_table_get(r->subprocess_env,
                                                      "UNIQUE_ID") : "-",
                               "access", oci_scopes_to_access(scopes));
    const char *token = oci_jwt_sign(config->token_key->keys, claims,
                                     r->pool);
    const char *body;

    json_decref(claims);
    if (!token) {
        return oci_error_make(r->pool, OCI_E_INTERNAL, NULL, NULL,
                              "no token can be made");
    }
    body = apr_psprintf(r->pool, "{\"token\":\"%s\",\"access_token\":\"%s\","
                        "\"token_type\":\"Bearer\",\"expires_in\":%d,"
                        "\"issued_at\":\"%s\"}\n", token, token, lifetime,
                        rfc3339(r->request_time, r->pool));
    oci_reply_header(request, "Cache-Control", "no-store");
    return oci_reply_data(request, "application/json", body, strlen(body));
}

static oci_error_t *serve(oci_request_t *request)
{
    request_rec *r = request->r;
    apr_array_header_t *scopes;
    apr_table_t *form;
    const char *service;
    oci_error_t *error = NULL;

    if (r->method_number == M_POST) {
        error = read_form(&form, r);
        if (!error) {
            error = authenticate(r, form);
        }
    }
    else if (oci_query_parse(&form, r->args, r->pool)) {
        error = oci_error_make(r->pool, OCI_E_REQUEST_INVALID, NULL, NULL,
                               "the query is not properly encoded");
    }
    if (error) {
        return error;
    }
    service = value_of(form, "service");
    if (*service && strcmp(service, oci_bearer_service(r))) {
        return oci_error_make(r->pool, OCI_E_REQUEST_INVALID, "service",
                              service, "this endpoint issues tokens for %s",
                              oci_bearer_service(r));
    }
    error = read_scopes(&scopes, r, form);
    return error ? error : issue(request, scopes);
}

int oci_token_handler(request_rec *r)
{
    const oci_config_t *config = ap_get_module_config(r->per_dir_config,
                                                      &oci_module);
    oci_request_t request;
    oci_error_t *error;

    if (!r->handler || strcmp(r->handler, OCI_TOKEN_HANDLER)) {
        return DECLINED;
    }
    memset(&request, 0, sizeof(request));
    request.r = r;
    if (!oci_config_tokens(config)
        || !oci_keys_can_sign(config->token_key->keys)) {
        error = oci_error_make(r->pool, OCI_E_UNAVAILABLE, NULL, NULL,
                               "no tokens are issued here");
    }
    else if (r->method_number != M_GET && r->method_number != M_POST) {
        oci_reply_header(&request, "Allow", "GET, HEAD, POST");
        error = oci_error_make(r->pool, OCI_E_METHOD_UNSUPPORTED, "method",
                               r->method, "tokens are asked for by GET or "
                               "POST");
    }
    else {
        error = serve(&request);
    }
    if (error) {
        oci_reply_error(r, error);
    }
    return OK;
}
