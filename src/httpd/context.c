/* SPDX-License-Identifier: Apache-2.0 */

/* The context of a request: it is created here, from the request's
 * configuration and URL. */

#include "httpd.h"
#include "http_config.h"
#include "http_core.h"
#include "http_request.h"
#include "ap_expr.h"

#include "api/dispatch.h"
#include "httpd/config.h"
#include "httpd/context.h"
#include "values/scope.h"

/* Those with a context come first. */
static const char *const handlers[] = { OCI_HANDLER, OCI_TOKEN_HANDLER,
                                        OCI_PAGE_HANDLER, OCI_METRICS_HANDLER,
                                        OCI_HEALTH_HANDLER };
#define HANDLERS     (int)(sizeof(handlers) / sizeof(handlers[0]))
#define WITH_CONTEXT 2

/* Return the number of the handler that SetHandler names, HANDLERS if it is not
 * one of ours. */
static int handler_of(request_rec *r)
{
    const core_dir_config *core = ap_get_core_module_config(r->per_dir_config);
    const char *error;
    const char *name;
    int i = 0;

    if (!core->expr_handler) {
        return HANDLERS;
    }
    name = ap_expr_str_exec(r, core->expr_handler, &error);
    while (i < HANDLERS && (!name || ap_cstr_casecmp(name, handlers[i]))) {
        i++;
    }
    return i;
}

/* The same, by the Location sections of the URL alone. */
static int handler_by_location(request_rec *r)
{
    ap_conf_vector_t *saved = r->per_dir_config;
    int handler = ap_location_walk(r) == OK ? handler_of(r) : HANDLERS;

    r->per_dir_config = saved;
    return handler;
}

int oci_is_ours(request_rec *r)
{
    return handler_of(r) < WITH_CONTEXT;
}

int oci_is_ours_by_location(request_rec *r)
{
    return handler_by_location(r) < WITH_CONTEXT;
}

int oci_is_ours_or_page_by_location(request_rec *r)
{
    return handler_by_location(r) < HANDLERS;
}

int oci_is_page(request_rec *r)
{
    int handler = handler_of(r);

    return handler >= WITH_CONTEXT && handler < HANDLERS;
}

oci_context_t *oci_context_get(const request_rec *r)
{
    return ap_get_module_config(r->request_config, &oci_module);
}

const char *oci_context_user(const oci_context_t *context, const request_rec *r)
{
    return context->bearer && context->bearer->user ? context->bearer->user
                                                    : r->user;
}

/* Return the action that a request needs, even if the registry will not
 * support the method.
 * @param action The action of the endpoint, or NULL */
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

static void parse_url(request_rec *r, oci_context_t *context)
{
    const oci_route_t *route = &context->route;
    apr_table_t *env = r->subprocess_env;
    const char *action;

    if (!strncmp(r->uri, "/v2", 3)) {
        oci_route_parse(&context->route, r->uri + 3, r->pool);
    }
    action = oci_dispatch_action(route, r->method_number);
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

oci_context_t *oci_context_create(request_rec *r)
{
    int handler = handler_of(r);
    oci_context_t *context;

    if (handler >= WITH_CONTEXT) {
        return NULL;
    }
    context = apr_pcalloc(r->pool, sizeof(*context));
    context->is_token = !strcmp(handlers[handler], OCI_TOKEN_HANDLER);
    context->route.endpoint = OCI_ROUTE_NONE;
    if (!context->is_token) {
        parse_url(r, context);
    }
    ap_set_module_config(r->request_config, &oci_module, context);
    return context;
}
