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

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "httpd.h"
#include "http_config.h"
#include "http_core.h"
#include "http_log.h"
#include "http_protocol.h"
#include "http_request.h"
#include "ap_expr.h"
#include "apr_strings.h"

#include "api/reply.h"
#include "httpd/authn.h"
#include "httpd/authz.h"
#include "httpd/config.h"
#include "httpd/error_filter.h"
#include "httpd/guards.h"
#include "httpd/hooks.h"
#include "httpd/question.h"
#include "httpd/start.h"
#include "httpd/token.h"
#include "spec/scope.h"

APLOG_USE_MODULE(oci);

/* The handler that a Location sets, NULL for another than ours. */
static const char *handler_of(request_rec *r)
{
    const core_dir_config *core
        = ap_get_core_module_config(r->per_dir_config);
    const char *error;
    const char *name;

    if (!core->expr_handler) {
        return NULL;
    }
    name = ap_expr_str_exec(r, core->expr_handler, &error);
    if (name && !ap_cstr_casecmp(name, OCI_HANDLER)) {
        return OCI_HANDLER;
    }
    return name && !ap_cstr_casecmp(name, OCI_TOKEN_HANDLER)
           ? OCI_TOKEN_HANDLER : NULL;
}

int oci_is_ours(request_rec *r)
{
    return handler_of(r) != NULL;
}

int oci_is_ours_by_location(request_rec *r)
{
    ap_conf_vector_t *saved = r->per_dir_config;
    int ours = ap_location_walk(r) == OK && oci_is_ours(r);

    r->per_dir_config = saved;
    return ours;
}

oci_context_t *oci_context_get(const request_rec *r)
{
    return ap_get_module_config(r->request_config, &oci_module);
}

/* httpd neither looks for a file of that name nor guesses a type from it. */
static int map_to_storage(request_rec *r)
{
    return oci_is_ours_by_location(r) ? OK : DECLINED;
}

static int type_checker(request_rec *r)
{
    return oci_context_get(r) ? OK : DECLINED;
}

/* What stands for our own text until the error filter writes it. */
#define MASK "oci-registry"

/* An ErrorDocument is no answer to a registry's client; a text of the
 * request's own comes before it, and the error filter writes that anew. */
static void mask_error_documents(request_rec *r)
{
    int unknown = ap_index_of_response(HTTP_INTERNAL_SERVER_ERROR);
    int status;

    ap_custom_response(r, HTTP_INTERNAL_SERVER_ERROR, MASK);
    for (status = HTTP_BAD_REQUEST; status < 600; status++) {
        /* what httpd does not know is a 500 to it */
        if (ap_index_of_response(status) != unknown) {
            ap_custom_response(r, status, MASK);
        }
    }
}

void oci_unmask_error_documents(request_rec *r)
{
    core_request_config *core = ap_get_core_module_config(r->request_config);
    int index = ap_index_of_response(HTTP_BAD_REQUEST);

    /* another module's texts are its own affair */
    if (core->response_code_strings && core->response_code_strings[index]
        && !strcmp(core->response_code_strings[index], "\"" MASK)) {
        core->response_code_strings = NULL;
    }
}

static int has_error_documents(const ap_conf_vector_t *place)
{
    const core_dir_config *core = ap_get_core_module_config(place);

    return core->response_code_exprs != NULL;
}

/* httpd may refuse a request before its URL is known, or before the
 * configuration of its location is in force. */
static int create_request(request_rec *r)
{
    if (!r->main && !r->prev && oci_config_has_store(r->server)
        && has_error_documents(r->server->lookup_defaults)) {
        mask_error_documents(r);
    }
    return OK;
}

static int post_read_request(request_rec *r)
{
    if (has_error_documents(r->per_dir_config)
        && !oci_is_ours_by_location(r)) {
        oci_unmask_error_documents(r);
    }
    return DECLINED;
}

/* No file is behind a registry's URL, however long it is. */
static int translate_name(request_rec *r)
{
    if (!oci_is_ours(r)) {
        return DECLINED;
    }
    r->filename = r->uri;
    return OK;
}

/* What a request does to a repository, also where the registry will answer
 * that it can't be done. */
static unsigned action_of(const char *action, const request_rec *r)
{
    if (action) {
        return oci_action_parse(action, strlen(action));
    }
    switch (r->method_number) {
    case M_POST:
    case M_PUT:
    case M_PATCH:
        return OCI_PUSH;
    case M_DELETE:
        return OCI_DELETE;
    default:
        return OCI_PULL;
    }
}

static void take_apart(request_rec *r, oci_context_t *context)
{
    const oci_route_t *route = &context->route;
    apr_table_t *env = r->subprocess_env;
    const char *action;

    if (!strncmp(r->uri, "/v2", 3)) {
        oci_route_parse(&context->route, r->uri + 3, r->pool);
    }
    action = oci_request_action(route, r->method_number);
    if (action) {
        apr_table_setn(env, "OCI_ACTION", action);
    }
    if (route->name) {
        context->action = action_of(action, r);
        apr_table_setn(env, "OCI_REPOSITORY", route->name);
    }
    if (route->reference) {
        apr_table_setn(env, "OCI_REFERENCE", route->reference);
    }
}

/* The configuration is final: take the URL apart, for authorization, logs
 * and the handler alike, and see who is asking. */
static int post_perdir_config(request_rec *r)
{
    const char *name = handler_of(r);
    oci_context_t *context;

    if (!name) {
        return DECLINED;
    }
    context = apr_pcalloc(r->pool, sizeof(*context));
    context->is_token = !strcmp(name, OCI_TOKEN_HANDLER);
    context->route.endpoint = OCI_ROUTE_NONE;
    if (!context->is_token) {
        take_apart(r, context);
    }
    ap_set_module_config(r->request_config, &oci_module, context);

    apr_table_setn(r->err_headers_out, "Docker-Distribution-API-Version",
                   "registry/2.0");
    apr_table_setn(r->subprocess_env, "no-gzip", "1");
    apr_table_setn(r->subprocess_env, "no-brotli", "1");
    if (has_error_documents(r->per_dir_config)) {
        mask_error_documents(r);
    }
    return oci_authn_begin(r, context);
}

/* httpd's own default of LimitRequestBody is smaller than layers are; only
 * one that an administrator wrote holds here. */
static void lift_default_body_limit(request_rec *r)
{
    core_dir_config *core = ap_get_core_module_config(r->per_dir_config);
    ap_conf_vector_t *copy;

    if (core->limit_req_body >= 0) {
        return;
    }
    copy = ap_merge_per_dir_configs(r->pool, r->per_dir_config,
                                    ap_create_per_dir_config(r->pool));
    core = apr_pmemdup(r->pool, core, sizeof(*core));
    core->limit_req_body = 0;
    ap_set_core_module_config(copy, core);
    r->per_dir_config = copy;
}

/* A token that says what it is for is for nothing else.  Where the Require
 * lines allow more, one of our own can be had for that. */
static oci_error_t *may_mount(int *allowed, oci_request_t *request,
                              const char *name, const char *digest)
{
    oci_context_t *context = oci_context_get(request->r);
    const oci_bearer_t *bearer = context->bearer;
    int lacks = bearer && bearer->scopes
                && !oci_scopes_allow(bearer->scopes, "repository", name,
                                     OCI_PULL);

    *allowed = 0;
    if (!oci_authz_allows_blob(request->r, name, digest)
        || (lacks && !bearer->ours)) {
        return NULL;
    }
    *allowed = !lacks;
    return lacks ? oci_authn_ask(request->r, context, name) : NULL;
}

static int may_list(oci_request_t *request, const char *name)
{
    return oci_authz_allows(request->r, name, OCI_PULL);
}

/* A tag in the query is as much a push of it as one in the path. */
static oci_error_t *may_tag(oci_request_t *request, const char *tag)
{
    request_rec *r = request->r;

    return oci_authz_allows_tag(r, request->route.name, tag)
           ? NULL : oci_authn_refuse_tag(r, oci_context_get(r), tag);
}

static int handler(request_rec *r)
{
    const oci_context_t *context = oci_context_get(r);
    const oci_config_t *config;
    oci_request_t request;

    if (!r->handler || strcmp(r->handler, OCI_HANDLER) || !context) {
        return DECLINED;
    }
    config = oci_config_of(r);
    memset(&request, 0, sizeof(request));
    request.r = r;
    request.route = context->route;
    request.guarded = context->judged || oci_config_tokens(config)
                      || oci_guards_concern(r->uri);
    request.lists_all = !oci_guards_exist();
    request.may_mount = may_mount;
    request.may_list = may_list;
    request.may_tag = may_tag;
    oci_config_apply(&request, config);
    if (!request.registry.blobs || !request.registry.index) {
        oci_reply_error(r, oci_error_make(r->pool, OCI_E_UNAVAILABLE, NULL,
                                          NULL, "this registry has no "
                                          "storage configured"));
        return OK;
    }
    oci_authn_offer(r, context);
    if (r->method_number != M_GET) {
        lift_default_body_limit(r);
    }
    return oci_request_serve(&request);
}

static int post_config(apr_pool_t *pconf, apr_pool_t *plog,
                       apr_pool_t *ptemp, server_rec *s)
{
    (void)plog;
    (void)ptemp;
    /* OpenSSL looks its algorithms up when the first is used, which is better
     * done once here than in every child. */
    HMAC(EVP_sha256(), "", 0, (const unsigned char *)"", 0, NULL, NULL);
    return oci_start(pconf, s);
}

void oci_hooks_register(apr_pool_t *pool)
{
    oci_error_filter_register();
    oci_authn_register();
    oci_authz_register(pool);
    oci_question_register();
    ap_hook_post_config(post_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_create_request(create_request, NULL, NULL, APR_HOOK_LAST);
    ap_hook_post_read_request(post_read_request, NULL, NULL,
                              APR_HOOK_MIDDLE);
    ap_hook_translate_name(translate_name, NULL, NULL, APR_HOOK_LAST);
    ap_hook_map_to_storage(map_to_storage, NULL, NULL, APR_HOOK_FIRST);
    ap_hook_post_perdir_config(post_perdir_config, NULL, NULL,
                               APR_HOOK_FIRST);
    ap_hook_type_checker(type_checker, NULL, NULL, APR_HOOK_FIRST);
    ap_hook_handler(handler, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_handler(oci_token_handler, NULL, NULL, APR_HOOK_MIDDLE);
}
