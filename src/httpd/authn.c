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
#include "apr_strings.h"

#include "httpd/authn.h"
#include "httpd/bearer.h"
#include "httpd/config.h"
#include "spec/scope.h"

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

static const oci_config_t *config_of(const request_rec *r)
{
    return ap_get_module_config(r->per_dir_config, &oci_module);
}

/* Whether this Location serves Basic, and nothing else but tokens. */
static int has_basic(request_rec *r)
{
    const char *type = ap_auth_type(r);

    return type && !ap_cstr_casecmp(type, "Basic");
}

int oci_authn_possible(request_rec *r)
{
    return ap_auth_type(r) || oci_config_tokens(config_of(r));
}

/* Whether it is the registry that is asked, and with tokens. */
static int serves_tokens(const request_rec *r, const oci_context_t *context)
{
    return context && !context->is_token && oci_config_tokens(config_of(r));
}

int oci_authn_begin(request_rec *r, oci_context_t *context)
{
    int tokens = serves_tokens(r, context);
    const char *header = apr_table_get(r->headers_in, "Authorization");
    const char *basic, *token;

    if (r->main) {
        const oci_context_t *parent = oci_context_get(r->main);

        context->bearer = parent ? parent->bearer : NULL;
        return OK;
    }
    if (!header || (!tokens && !has_basic(r))) {
        return OK;
    }
    basic = credentials_of(header, "Basic");
    token = credentials_of(header, "Bearer");
    if ((basic || token) && ap_strchr_c(header, ',')) {
        return HTTP_BAD_REQUEST;   /* two headers, made one by httpd */
    }
    if (tokens && token) {
        context->token_error = oci_bearer_verify(&context->bearer, r, token);
    }
    else if (!basic || !strcmp(basic, NOBODY)) {
        apr_table_unset(r->headers_in, "Authorization");
    }
    return OK;
}

/* What a token must be for: nothing where no repository is concerned. */
static int token_suffices(const oci_context_t *context)
{
    return !context->route.name || !context->action
           || !context->bearer->scopes
           || oci_scopes_allow(context->bearer->scopes, context->route.name,
                               context->action);
}

/* With tokens, /v2/ itself asks for one, since that is where clients learn
 * of it; a token must be valid and for this; the Require lines decide all
 * else. */
static int access_checker(request_rec *r)
{
    oci_context_t *context = oci_context_get(r);

    if (r->main || !serves_tokens(r, context)) {
        return DECLINED;
    }
    if (context->token_error) {
        return HTTP_UNAUTHORIZED;
    }
    if (!context->bearer) {
        return context->route.endpoint == OCI_ROUTE_BASE
               && !apr_table_get(r->headers_in, "Authorization")
               ? HTTP_UNAUTHORIZED : DECLINED;
    }
    if (!token_suffices(context)) {
        context->token_error = "insufficient_scope";
        return HTTP_UNAUTHORIZED;
    }
    return DECLINED;
}

/* Who sends credentials is authenticated even where nobody need be: wrong
 * ones are never as good as none. */
static int force_authn(request_rec *r)
{
    const oci_context_t *context = oci_context_get(r);

    if (context && context->bearer) {
        return context->bearer->user ? OK : DECLINED;
    }
    return context && (context->is_token || !r->main) && has_basic(r)
           && apr_table_get(r->headers_in, "Authorization")
           ? OK : DECLINED;
}

/* A sub-request of ours is about who made the request; tokens say who that
 * is; all else is for httpd's providers. */
static int check_user_id(request_rec *r)
{
    const oci_context_t *context = oci_context_get(r);

    if (!context || context->is_token) {
        return DECLINED;
    }
    if (r->main) {
        r->user = r->main->user;
        r->ap_auth_type = r->main->ap_auth_type;
        return r->user ? OK : HTTP_UNAUTHORIZED;
    }
    if (context->bearer && context->bearer->user) {
        r->user = apr_pstrdup(r->pool, context->bearer->user);
        r->ap_auth_type = "Bearer";
        return OK;
    }
    if (serves_tokens(r, context)
        && !(has_basic(r) && apr_table_get(r->headers_in,
                                           "Authorization"))) {
        return HTTP_UNAUTHORIZED;
    }
    return DECLINED;
}

/* httpd comes here once it knows who this is. */
static int auth_checker(request_rec *r)
{
    oci_context_t *context = oci_context_get(r);

    if (context) {
        context->authenticated = 1;
    }
    return DECLINED;
}

void oci_authn_mend_error(request_rec *r, const oci_context_t *context)
{
    if (r->status != HTTP_UNAUTHORIZED) {
        return;
    }
    if (context->authenticated && !context->bearer) {
        r->status = HTTP_FORBIDDEN;
        r->status_line = NULL;
        apr_table_unset(r->headers_out, "WWW-Authenticate");
    }
    else if (serves_tokens(r, context)) {
        apr_table_setn(r->headers_out, "WWW-Authenticate",
                       oci_bearer_challenge(r, context));
    }
}

void oci_authn_register(void)
{
    ap_hook_access_checker(access_checker, NULL, NULL, APR_HOOK_LAST);
    ap_hook_force_authn(force_authn, NULL, NULL, APR_HOOK_FIRST);
    ap_hook_check_authn(check_user_id, NULL, NULL, APR_HOOK_FIRST,
                        AP_AUTH_INTERNAL_PER_URI);
    ap_hook_check_authz(auth_checker, NULL, NULL, APR_HOOK_REALLY_FIRST,
                        AP_AUTH_INTERNAL_PER_URI);
}
