/* SPDX-License-Identifier: Apache-2.0 */

/* Authentication: httpd's own providers, Bearer tokens, and when a refused
 * caller is asked to log in. */

#include "httpd.h"
#include "http_config.h"
#include "http_core.h"
#include "http_log.h"
#include "http_protocol.h"
#include "http_request.h"
#include "apr_strings.h"

#include "httpd/authn.h"
#include "httpd/bearer.h"
#include "httpd/config.h"
#include "httpd/question.h"
#include "httpd/token_form.h"
#include "values/scope.h"

APLOG_USE_MODULE(oci);

/* "Basic Og==", an empty name and an empty password: some clients send this
 * if they have no credentials. */
#define EMPTY_BASIC "Og=="

/* Return the credentials after the scheme, NULL for another scheme. */
static const char *credentials_of(const char *header, const char *scheme)
{
    apr_size_t length = strlen(scheme);

    if (ap_cstr_casecmpn(header, scheme, length) || header[length] != ' ') {
        return NULL;
    }
    header += length;
    return header + strspn(header, " ");
}

/* Whether AuthType is Basic. */
static int uses_basic(request_rec *r)
{
    const char *type = ap_auth_type(r);

    return type && !ap_cstr_casecmp(type, "Basic");
}

int oci_authn_possible(request_rec *r)
{
    return ap_auth_type(r) || oci_config_uses_tokens(oci_config_of(r));
}

/* Whether the request is for the registry, and tokens are in use. */
static int serves_tokens(const request_rec *r, const oci_context_t *context)
{
    return context && !context->is_token
        && oci_config_uses_tokens(oci_config_of(r));
}

/* Whether this module reads the Authorization header.  An AuthType other than
 * Basic reads its own. */
static int reads_credentials(request_rec *r, const oci_context_t *context)
{
    return serves_tokens(r, context) || uses_basic(r)
        || (context->is_token && !ap_auth_type(r));
}

/* Return the part of a message that says which directive for tokens is
 * missing, NULL if none is. */
static const char *missing_directive(const oci_config_t *config)
{
    const oci_key_set_t *keys = oci_config_keys(config);

    if (!keys) {
        return "OCIToken is On, but no OCITokenKey applies to";
    }
    /* An external issuer's tokens may be for any service.  The Host header is
     * the client's choice, so it cannot tell whether a token is for us. */
    if (!oci_key_set_signer(keys) && !config->token_service) {
        return "OCITokenKey holds no signing key, so tokens come from "
               "another issuer, but no OCITokenService applies to";
    }
    return NULL;
}

int oci_authn_begin(request_rec *r, oci_context_t *context)
{
    const char *header = apr_table_get(r->headers_in, "Authorization");
    const char *basic, *token, *missing;

    if (oci_question_asker(r)) {
        return OK;
    }
    if (serves_tokens(r, context)
        && (missing = missing_directive(oci_config_of(r)))) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, "oci: %s %s", missing,
                      r->uri);
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    if (!header || !reads_credentials(r, context)) {
        return OK;
    }
    basic = credentials_of(header, "Basic");
    token = credentials_of(header, "Bearer");
    if ((basic || token) && ap_strchr_c(header, ',')) {
        return HTTP_BAD_REQUEST; /* httpd joins two headers by a comma */
    }
    if (serves_tokens(r, context) && token) {
        context->token_error = oci_bearer_verify(&context->bearer, r, token);
    }
    else if (!basic || !strcmp(basic, EMPTY_BASIC)) {
        /* other schemes, and empty credentials, count as no credentials */
        apr_table_unset(r->headers_in, "Authorization");
    }
    return OK;
}

/* Whether the token's scopes allow the request.  Requests for neither a
 * repository nor the catalog need no scope. */
static int token_suffices(const oci_context_t *context)
{
    const oci_route_t *route = &context->route;
    const apr_array_header_t *scopes = context->bearer->scopes;

    if (!scopes) {
        return 1;
    }
    if (route->endpoint == OCI_ROUTE_CATALOG) {
        return oci_scopes_allow(scopes, "registry", "catalog", OCI_ALL);
    }
    return !route->name
        || oci_scopes_allow(scopes, "repository", route->name, context->action);
}

/* If tokens are in use, anonymous requests for /v2/ get a challenge, because
 * clients discover it there.  So do those for the catalog, because an anonymous
 * caller would see fewer names.  A token must be valid and allow the request.
 * The Require lines decide everything else.  OPTIONS needs no token, because a
 * browser sends no credentials in a preflight request. */
static int check_token(request_rec *r, oci_context_t *context)
{
    const oci_route_e endpoint = context->route.endpoint;

    if (context->token_error) {
        return HTTP_UNAUTHORIZED;
    }
    if (!context->bearer) {
        return (endpoint == OCI_ROUTE_BASE || endpoint == OCI_ROUTE_CATALOG)
                && r->method_number != M_OPTIONS && !r->user
                && !apr_table_get(r->headers_in, "Authorization")
            ? HTTP_UNAUTHORIZED
            : DECLINED;
    }
    if (!token_suffices(context)) {
        context->token_error = "insufficient_scope";
        return HTTP_UNAUTHORIZED;
    }
    return DECLINED;
}

/* Whether the request has a password that no provider can check: it counts as
 * wrong. */
static int has_unusable_password(request_rec *r, const oci_context_t *context)
{
    return !r->user && !context->bearer && !context->token_error
        && !ap_auth_type(r) && reads_credentials(r, context)
        && apr_table_get(r->headers_in, "Authorization");
}

/* Refuse unusable credentials, even if the request would be allowed without
 * any. */
static int check_credentials(request_rec *r, oci_context_t *context)
{
    if (has_unusable_password(r, context)) {
        return HTTP_UNAUTHORIZED;
    }
    return serves_tokens(r, context) ? check_token(r, context) : DECLINED;
}

static int access_checker(request_rec *r)
{
    oci_context_t *context = oci_context_get(r);

    if (!context || oci_question_asker(r)) {
        return DECLINED;
    }
    if (context->is_token && r->method_number == M_POST && !r->main) {
        context->form_error = oci_token_form_read(&context->form, r);
    }
    return check_credentials(r, context);
}

/* Whether the answer may depend on what else the caller may do. */
static int may_need_questions(const request_rec *r,
                              const oci_context_t *context)
{
    return context->is_token || r->args
        || context->route.endpoint == OCI_ROUTE_CATALOG
        || (context->route.endpoint == OCI_ROUTE_MANIFEST
            && r->method_number != M_GET);
}

/* This hook ends authorization; unlike the hooks before it, "Satisfy Any" does
 * not skip it.  If a Require line could not decide without knowing the user,
 * the caller is asked to log in.  The headers that questions need are saved
 * here, before mod_headers changes them. */
static int fixups(request_rec *r)
{
    oci_context_t *context = oci_context_get(r);

    if (!context) {
        return DECLINED;
    }
    if (context->wants_login && !r->user) {
        if (ap_auth_type(r)) {
            ap_note_auth_failure(r);
        }
        return HTTP_UNAUTHORIZED;
    }
    if (oci_question_asker(r)) {
        return DECLINED;
    }
    if (may_need_questions(r, context)) {
        context->headers = apr_table_copy(r->pool, r->headers_in);
    }
    return check_credentials(r, context);
}

/* A request with credentials is authenticated even if no line requires it:
 * wrong credentials must not be accepted like missing ones. */
static int force_authn(request_rec *r)
{
    const oci_context_t *context = oci_context_get(r);
    const request_rec *asker;

    if (!context) {
        return DECLINED;
    }
    if ((asker = oci_question_asker(r))) {
        return asker->user ? OK : DECLINED;
    }
    if (context->bearer) {
        return context->bearer->user ? OK : DECLINED;
    }
    return ap_auth_type(r) && apr_table_get(r->headers_in, "Authorization")
        ? OK
        : DECLINED;
}

/* A question has the user of the request that asks it. */
static int identify_asker(request_rec *r, const request_rec *asker)
{
    const apr_table_t *auth_env = oci_context_get(asker)->auth_env;

    if (!asker->user) {
        return HTTP_UNAUTHORIZED;
    }
    r->user = asker->user;
    r->ap_auth_type = asker->ap_auth_type;
    if (auth_env) {
        apr_table_overlap(r->subprocess_env, auth_env, APR_OVERLAP_TABLES_SET);
    }
    return OK;
}

/* Set the user of a question or of a request with a token.  httpd's providers
 * authenticate all other requests. */
static int check_user_id(request_rec *r)
{
    oci_context_t *context = oci_context_get(r);
    const request_rec *asker;

    if (!context) {
        return DECLINED;
    }
    if ((asker = oci_question_asker(r))) {
        return identify_asker(r, asker);
    }
    if (may_need_questions(r, context)) {
        context->env_before = apr_table_copy(r->pool, r->subprocess_env);
    }
    if (context->is_token) {
        return DECLINED;
    }
    if (context->bearer && context->bearer->user) {
        r->user = apr_pstrdup(r->pool, context->bearer->user);
        r->ap_auth_type = "Bearer";
        return OK;
    }
    if (serves_tokens(r, context)
        && !(uses_basic(r) && apr_table_get(r->headers_in, "Authorization"))) {
        return HTTP_UNAUTHORIZED;
    }
    return DECLINED;
}

/* If there is no way to authenticate a caller, such as with client
 * certificates alone, httpd answers 500 for a Require line that needs a user.
 */
static int refuse_unknown_caller(request_rec *r)
{
    return oci_context_get(r) && !r->user && !oci_authn_possible(r)
        ? HTTP_FORBIDDEN
        : DECLINED;
}

/* Find the variables that authentication set. */
static const apr_table_t *find_auth_env(request_rec *r,
                                        const apr_table_t *before)
{
    const apr_array_header_t *entries = apr_table_elts(r->subprocess_env);
    apr_table_t *auth_env = NULL;
    int i;

    for (i = 0; i < entries->nelts; i++) {
        const apr_table_entry_t *entry = &APR_ARRAY_IDX(entries, i,
                                                        apr_table_entry_t);
        const char *old = apr_table_get(before, entry->key);

        if (!old || strcmp(old, entry->val)) {
            auth_env = auth_env ? auth_env : apr_table_make(r->pool, 4);
            apr_table_setn(auth_env, entry->key, entry->val);
        }
    }
    return auth_env;
}

/* httpd runs this hook after authentication. */
static int auth_checker(request_rec *r)
{
    oci_context_t *context = oci_context_get(r);

    if (context) {
        context->authenticated = 1;
        context->wants_login = 0;
        if (context->env_before && !context->auth_env) {
            context->auth_env = find_auth_env(r, context->env_before);
        }
    }
    return DECLINED;
}

void oci_authn_offer(request_rec *r, const oci_context_t *context)
{
    if (context->route.endpoint == OCI_ROUTE_BASE && !r->user
        && uses_basic(r)) {
        ap_note_auth_failure(r);
    }
}

static void ask_for_token(request_rec *r, const oci_context_t *context)
{
    apr_table_setn(r->headers_out, "WWW-Authenticate",
                   oci_bearer_challenge(r, context));
}

/* Whether a refused request has no credentials that authenticate its caller. */
static int lacks_credentials(request_rec *r, const oci_context_t *context)
{
    return !r->user && oci_authn_possible(r)
        && (context->bearer || !apr_table_get(r->headers_in, "Authorization"));
}

/* Rename "Basic" in the challenges of a reply for a script that says what it
 * is.  The script asks for the password itself.  At "Basic" the browser would
 * ask as well, and the script would not learn of a wrong password. */
static void hide_basic_from_browser(request_rec *r, const apr_table_t *headers)
{
    const char *with = apr_table_get(r->headers_in, "X-Requested-With");
    const apr_array_header_t *all = apr_table_elts(headers);
    int i;

    if (!with || ap_cstr_casecmp(with, "XMLHttpRequest")) {
        return;
    }
    for (i = 0; i < all->nelts; i++) {
        apr_table_entry_t *header = &APR_ARRAY_IDX(all, i, apr_table_entry_t);

        if (!ap_cstr_casecmp(header->key, "WWW-Authenticate")
            && !ap_cstr_casecmpn(header->val, "Basic ", 6)) {
            header->val = apr_pstrcat(r->pool, "x", header->val, NULL);
        }
    }
}

void oci_authn_correct_error(request_rec *r, oci_context_t *context)
{
    if (r->status == HTTP_FORBIDDEN && context->refused
        && lacks_credentials(r, context)) {
        r->status = HTTP_UNAUTHORIZED;
        r->status_line = NULL;
        if (ap_auth_type(r)) {
            ap_note_auth_failure(r);
        }
    }
    hide_basic_from_browser(r, r->headers_out); /* httpd's, as it sends them */
    hide_basic_from_browser(r, r->err_headers_out);
    if (r->status == HTTP_UNAUTHORIZED && context->authenticated
        && !context->token_error) {
        r->status = HTTP_FORBIDDEN;
        r->status_line = NULL;
        apr_table_unset(r->headers_out, "WWW-Authenticate");
    }
    if (r->status != HTTP_UNAUTHORIZED || !serves_tokens(r, context)) {
        return;
    }
    if (context->bearer) {
        context->token_error = "insufficient_scope";
    }
    apr_table_unset(r->err_headers_out, "WWW-Authenticate");
    ask_for_token(r, context);
}

oci_error_t *oci_authn_ask(request_rec *r, oci_context_t *context,
                           const char *name)
{
    const char *user = oci_context_user(context, r);

    context->token_error = "insufficient_scope";
    context->source = name;
    ask_for_token(r, context);
    return oci_error_make(r->pool, OCI_E_UNAUTHORIZED, "scope",
                          apr_pstrcat(r->pool, "repository:", name, ":pull",
                                      NULL),
                          "%s may not pull from %s with this token",
                          user ? user : "an anonymous client", name);
}

oci_error_t *oci_authn_refuse_tag(request_rec *r, const oci_context_t *context,
                                  int status, const char *tag, const char *what)
{
    if (status != HTTP_UNAUTHORIZED || r->user || !oci_authn_possible(r)) {
        return oci_error_make(r->pool, OCI_E_DENIED, "tag", tag,
                              "%s may not %s",
                              r->user ? r->user : "an anonymous client", what);
    }
    if (serves_tokens(r, context)) {
        ask_for_token(r, context);
    }
    else {
        ap_note_auth_failure(r);
        hide_basic_from_browser(r, r->err_headers_out);
    }
    return oci_error_make(r->pool, OCI_E_UNAUTHORIZED, "tag", tag,
                          "log in to %s", what);
}

/* A request is refused for the scopes of its token before the token's user
 * becomes the user of the request.  The access log should name that user.  It
 * is set here, when all decisions have been made. */
static int log_user(request_rec *r)
{
    for (; r; r = r->next) {
        const oci_context_t *context = oci_context_get(r);

        if (context && context->bearer && context->bearer->user && !r->user) {
            r->user = apr_pstrdup(r->pool, context->bearer->user);
        }
    }
    return DECLINED;
}

void oci_authn_register(void)
{
    static const char *const core[] = { "mod_authn_core.c", NULL };

    ap_hook_access_checker(access_checker, NULL, NULL, APR_HOOK_LAST);
    ap_hook_force_authn(force_authn, NULL, NULL, APR_HOOK_FIRST);
    ap_hook_check_authn(check_user_id, NULL, NULL, APR_HOOK_FIRST,
                        AP_AUTH_INTERNAL_PER_URI);
    ap_hook_check_authn(refuse_unknown_caller, NULL, core, APR_HOOK_LAST,
                        AP_AUTH_INTERNAL_PER_URI);
    ap_hook_check_authz(auth_checker, NULL, NULL, APR_HOOK_REALLY_FIRST,
                        AP_AUTH_INTERNAL_PER_URI);
    ap_hook_fixups(fixups, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_log_transaction(log_user, NULL, NULL, APR_HOOK_REALLY_FIRST);
}
