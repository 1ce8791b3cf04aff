/* SPDX-License-Identifier: Apache-2.0 */

/* Why a request is refused: the errors for callers that have sent credentials.
 * They name what the request itself names, so they do not tell whether a
 * repository exists. */

#include "httpd.h"
#include "http_config.h"
#include "http_core.h"
#include "http_protocol.h"
#include "apr_strings.h"

#include "api/reply.h"
#include "httpd/authn.h"
#include "httpd/config.h"
#include "httpd/denial.h"
#include "values/name.h"
#include "values/scope.h"

/* Return the valid repository name of a request, or NULL. */
static const char *repository_of(const oci_context_t *context)
{
    const char *name = context->route.name;

    return name && oci_name_valid(name) ? name : NULL;
}

/* Return what the request asked for: "push to team/app". */
static const char *describe_action(const oci_context_t *context,
                                   apr_pool_t *pool)
{
    const char *name = repository_of(context);
    const char *words = "pull from ";

    if (context->is_token) {
        return "get a token here";
    }
    if (context->route.endpoint == OCI_ROUTE_CATALOG) {
        return "list the repositories";
    }
    if (!name) {
        return "use this path";
    }
    if (context->action == OCI_PUSH) {
        words = "push to ";
    }
    else if (context->action == OCI_DELETE) {
        words = "delete from ";
    }
    return apr_pstrcat(pool, words, name, NULL);
}

/* Return the scope that the request needs, NULL if it needs none. */
static const char *scope_needed(const oci_context_t *context, apr_pool_t *pool)
{
    const char *name = repository_of(context);

    if (context->route.endpoint == OCI_ROUTE_CATALOG) {
        return "registry:catalog:*";
    }
    return name ? apr_pstrcat(pool, "repository:", name, ":",
                              oci_actions_text(context->action, pool), NULL)
                : NULL;
}

/* Say what is wrong with credentials that did not authenticate the caller.
 * @return NULL if there are none, or if nothing is wrong with them */
static const char *fault_of_credentials(request_rec *r,
                                        const oci_context_t *context)
{
    const char *type = ap_auth_type(r);

    if (context->token_error && !context->bearer) {
        return "the token is not valid, or has expired; get a new one";
    }
    if (!apr_table_get(r->headers_in, "Authorization")
        || !oci_authn_possible(r)) {
        return NULL;
    }
    if (!type) {
        return context->is_token
            ? "this token endpoint cannot check passwords: it has no AuthType"
            : "this registry does not check passwords; send a token instead";
    }
    if (!r->user) {
        return NULL;
    }
    return ap_cstr_casecmp(type, "Basic")
        ? "the credentials are not valid"
        : "the user name or password is wrong";
}

/* The error of a valid token that does not suffice. */
static oci_error_t *refuse_token(request_rec *r, const oci_context_t *context)
{
    const char *user = context->bearer->user;
    const char *action = describe_action(context, r->pool);
    const char *scope = scope_needed(context, r->pool);

    return user
        ? oci_error_make(r->pool, OCI_E_UNAUTHORIZED, "scope", scope,
                         "%s may not %s with this token", user, action)
        : oci_error_make(r->pool, OCI_E_UNAUTHORIZED, "scope", scope,
                         "log in to %s: this token is anonymous", action);
}

oci_error_t *oci_denial_error(request_rec *r, const oci_context_t *context,
                              int status)
{
    const char *user = context ? oci_context_user(context, r) : NULL;
    const char *fault;

    if (context && status == HTTP_UNAUTHORIZED) {
        if (context->bearer) {
            return refuse_token(r, context);
        }
        fault = fault_of_credentials(r, context);
        if (fault) {
            return oci_error_make(r->pool, OCI_E_UNAUTHORIZED, NULL, NULL, "%s",
                                  fault);
        }
    }
    else if (context && status == HTTP_SERVICE_UNAVAILABLE
             && oci_config_problem(oci_config_of(r))) {
        return oci_error_make(r->pool, OCI_E_UNAVAILABLE, NULL, NULL,
                              "this registry's storage or keys cannot be used; "
                              "the server's error log says why");
    }
    else if (user && status == HTTP_FORBIDDEN) {
        return oci_error_make(r->pool, OCI_E_DENIED, "scope",
                              scope_needed(context, r->pool), "%s may not %s",
                              user, describe_action(context, r->pool));
    }
    return oci_error_of_status(r, status);
}
