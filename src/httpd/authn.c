/* SPDX-License-Identifier: Apache-2.0 */

/* Authentication: httpd's own, and tokens. */

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

/* "Basic Og==": an empty name and an empty password, by which some clients
 * say that they have none. */
#define NOBODY "Og=="

/* The credentials behind a scheme's name, NULL for another scheme. */
static const char *credentials_of(const char *header, const char *scheme)
{
    apr_size_t length = strlen(scheme);

    if (ap_cstr_casecmpn(header, scheme, length) || header[length] != ' ') {
        return NULL;
    }
    header += length;
    return header + strspn(header, " ");
}

/* Whether Basic is served here. */
static int has_basic(request_rec *r)
{
    const char *type = ap_auth_type(r);

    return type && !ap_cstr_casecmp(type, "Basic");
}

int oci_authn_possible(request_rec *r)
{
    return ap_auth_type(r) || oci_config_tokens(oci_config_of(r));
}

/* Whether it is the registry that is asked, and with tokens. */
static int serves_tokens(const request_rec *r, const oci_context_t *context)
{
    return context && !context->is_token && oci_config_tokens(oci_config_of(r));
}

/* Whether credentials are read here: by us, or in vain.  Another AuthType
 * than Basic reads its own. */
static int reads_credentials(request_rec *r, const oci_context_t *context)
{
    return serves_tokens(r, context) || has_basic(r)
        || (context->is_token && !ap_auth_type(r));
}

/* What tokens can't do without, NULL where it is all there. */
static const char *missing_directive(const oci_config_t *config)
{
    const oci_key_set_t *keys = oci_config_keys(config);

    if (!keys) {
        return "OCIToken is On, and no OCITokenKey is in force for";
    }
    /* somebody else's tokens may be for anybody: the Host of a request is no
     * reason to take one for ours */
    if (!oci_key_set_signer(keys) && !config->token_service) {
        return "OCITokenKey is somebody else's, and no OCITokenService is in "
               "force for";
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
        return HTTP_BAD_REQUEST; /* two headers, made one by httpd */
    }
    if (serves_tokens(r, context) && token) {
        context->token_error = oci_bearer_verify(&context->bearer, r, token);
    }
    else if (!basic || !strcmp(basic, NOBODY)) {
        apr_table_unset(r->headers_in, "Authorization");
    }
    return OK;
}

/* What a token must be for: nothing where neither a repository nor the list
 * of them is concerned. */
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

/* With tokens, /v2/ itself asks for one, since that is where clients learn
 * of it, and so does the catalog, which would be the poorer without; a token
 * must be valid and for this; the Require lines decide all else.  OPTIONS asks
 * for none: a browser's preflight carries no credentials. */
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

/* Passwords that nobody here can check are wrong. */
static int has_vain_password(request_rec *r, const oci_context_t *context)
{
    return !r->user && !context->bearer && !context->token_error
        && !ap_auth_type(r) && reads_credentials(r, context)
        && apr_table_get(r->headers_in, "Authorization");
}

/* What is asked of credentials, whoever may be let in without them. */
static int check_credentials(request_rec *r, oci_context_t *context)
{
    if (has_vain_password(r, context)) {
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

/* Whether the answer to a request may depend on questions: what else its
 * caller may do. */
static int may_ask(const request_rec *r, const oci_context_t *context)
{
    return context->is_token || r->args
        || context->route.endpoint == OCI_ROUTE_CATALOG;
}

/* The end of authorization, which "Satisfy Any" does not skip.  A caller that
 * may be one whom a line refuses is asked to log in.  The headers of a request
 * that may ask questions are kept before mod_headers changes them. */
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
    if (may_ask(r, context)) {
        context->headers = apr_table_copy(r->pool, r->headers_in);
    }
    return check_credentials(r, context);
}

/* Who sends credentials is authenticated even where nobody need be: wrong
 * ones are never as good as none. */
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

/* A question is asked for the caller of the asker, as that was
 * authenticated. */
static int identify_asker(request_rec *r, const request_rec *asker)
{
    const apr_table_t *identity = oci_context_get(asker)->identity;

    if (!asker->user) {
        return HTTP_UNAUTHORIZED;
    }
    r->user = asker->user;
    r->ap_auth_type = asker->ap_auth_type;
    if (identity) {
        apr_table_overlap(r->subprocess_env, identity, APR_OVERLAP_TABLES_SET);
    }
    return OK;
}

/* A question is about the asker's caller; tokens say who that is; all else is
 * for httpd's providers. */
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
    if (may_ask(r, context)) {
        context->before = apr_table_copy(r->pool, r->subprocess_env);
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
        && !(has_basic(r) && apr_table_get(r->headers_in, "Authorization"))) {
        return HTTP_UNAUTHORIZED;
    }
    return DECLINED;
}

/* Where nobody can be known, such as with client certificates, httpd calls
 * a Require that needs to know a fault of the server's. */
static int check_nobody(request_rec *r)
{
    return oci_context_get(r) && !r->user && !oci_authn_possible(r)
        ? HTTP_FORBIDDEN
        : DECLINED;
}

/* What authentication set in the environment. */
static const apr_table_t *find_identity(request_rec *r,
                                        const apr_table_t *before)
{
    const apr_array_header_t *entries = apr_table_elts(r->subprocess_env);
    apr_table_t *identity = NULL;
    int i;

    for (i = 0; i < entries->nelts; i++) {
        const apr_table_entry_t *entry = &APR_ARRAY_IDX(entries, i,
                                                        apr_table_entry_t);
        const char *old = apr_table_get(before, entry->key);

        if (!old || strcmp(old, entry->val)) {
            identity = identity ? identity : apr_table_make(r->pool, 4);
            apr_table_setn(identity, entry->key, entry->val);
        }
    }
    return identity;
}

/* httpd comes here once it knows the user. */
static int auth_checker(request_rec *r)
{
    oci_context_t *context = oci_context_get(r);

    if (context) {
        context->authenticated = 1;
        context->wants_login = 0;
        if (context->before && !context->identity) {
            context->identity = find_identity(r, context->before);
        }
    }
    return DECLINED;
}

void oci_authn_offer(request_rec *r, const oci_context_t *context)
{
    if (context->route.endpoint == OCI_ROUTE_BASE && !r->user && has_basic(r)) {
        ap_note_auth_failure(r);
    }
}

static void ask_for_token(request_rec *r, const oci_context_t *context)
{
    apr_table_setn(r->headers_out, "WWW-Authenticate",
                   oci_bearer_challenge(r, context));
}

/* Whether a caller who is refused sent no credentials. */
static int is_of_nobody(request_rec *r, const oci_context_t *context)
{
    return !r->user && oci_authn_possible(r)
        && (context->bearer || !apr_table_get(r->headers_in, "Authorization"));
}

void oci_authn_mend_error(request_rec *r, oci_context_t *context)
{
    if (r->status == HTTP_FORBIDDEN && context->refused
        && is_of_nobody(r, context)) {
        r->status = HTTP_UNAUTHORIZED;
        r->status_line = NULL;
        if (ap_auth_type(r)) {
            ap_note_auth_failure(r);
        }
    }
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
    context->token_error = "insufficient_scope";
    context->source = name;
    ask_for_token(r, context);
    return oci_error_make(r->pool, OCI_E_UNAUTHORIZED, "name", name,
                          "the token is not for pulls from this repository");
}

oci_error_t *oci_authn_refuse_tag(request_rec *r, const oci_context_t *context,
                                  const char *tag)
{
    if (r->user || !oci_authn_possible(r)) {
        return oci_error_make(r->pool, OCI_E_DENIED, "tag", tag,
                              "this tag may not be pushed");
    }
    if (serves_tokens(r, context)) {
        ask_for_token(r, context);
    }
    else {
        ap_note_auth_failure(r);
    }
    return oci_error_make(r->pool, OCI_E_UNAUTHORIZED, "tag", tag,
                          "pushing this tag takes a login");
}

void oci_authn_register(void)
{
    static const char *const core[] = { "mod_authn_core.c", NULL };

    ap_hook_access_checker(access_checker, NULL, NULL, APR_HOOK_LAST);
    ap_hook_force_authn(force_authn, NULL, NULL, APR_HOOK_FIRST);
    ap_hook_check_authn(check_user_id, NULL, NULL, APR_HOOK_FIRST,
                        AP_AUTH_INTERNAL_PER_URI);
    ap_hook_check_authn(check_nobody, NULL, core, APR_HOOK_LAST,
                        AP_AUTH_INTERNAL_PER_URI);
    ap_hook_check_authz(auth_checker, NULL, NULL, APR_HOOK_REALLY_FIRST,
                        AP_AUTH_INTERNAL_PER_URI);
    ap_hook_fixups(fixups, NULL, NULL, APR_HOOK_REALLY_FIRST);
}
