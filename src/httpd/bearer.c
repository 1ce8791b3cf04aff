/* SPDX-License-Identifier: Apache-2.0 */

/* Bearer tokens at the registry (RFC 6750; distribution's token
 * authentication): they are verified, and challenges ask for them. */

#include "httpd.h"
#include "http_config.h"
#include "http_core.h"
#include "http_log.h"
#include "http_main.h"
#include "http_protocol.h"
#include "apr_lib.h"
#include "apr_strings.h"

#include "httpd/bearer.h"
#include "httpd/config.h"
#include "values/json.h"
#include "values/jwt.h"
#include "values/name.h"
#include "values/query.h"
#include "values/scope.h"

APLOG_USE_MODULE(oci);

/* The difference between two hosts' clocks that is accepted, in seconds. */
#define CLOCK_SKEW 60

/* Return the host as the client wrote it: behind a proxy, our own port means
 * nothing to the client. */
static const char *request_host(request_rec *r)
{
    const char *header = apr_table_get(r->headers_in, "Host");
    char *host;

    if (!header || !*header) {
        return ap_get_server_name_for_url(r);
    }
    host = apr_pstrdup(r->pool, header);
    ap_str_tolower(host);
    return host;
}

const char *oci_bearer_service(request_rec *r)
{
    const char *service = oci_config_of(r)->token_service;

    return service ? service : request_host(r);
}

const char *oci_bearer_issuer(request_rec *r)
{
    const char *issuer = oci_config_of(r)->token_issuer;

    return issuer ? issuer : oci_bearer_service(r);
}

/* The prefix of an "aud" entry that names a virtual host. */
#define VIRTUAL_HOST "virtual host "

/* The Host header is the client's choice, so it may name another virtual host,
 * which has other users.  If the service name is taken from it, a token's
 * audience also names the virtual host: by its ServerName and ports, which are
 * the same on all nodes.
 * @return NULL for the main server, or if OCITokenService is set
 */
static const char *virtual_host(const request_rec *r)
{
    const server_rec *s = r->server;
    const server_addr_rec *address;
    const char *text = VIRTUAL_HOST;

    if (!s->is_virtual || oci_config_of(r)->token_service) {
        return NULL;
    }
    /* without a ServerName, this is the main server's name, which may differ
     * between nodes */
    if (s->server_hostname != ap_server_conf->server_hostname) {
        text = apr_pstrcat(r->pool, text, s->server_hostname, NULL);
    }
    for (address = s->addrs; address; address = address->next) {
        text = apr_psprintf(r->pool, "%s %d", text, (int)address->host_port);
    }
    return text;
}

json_t *oci_bearer_audience(request_rec *r)
{
    const char *service = oci_bearer_service(r);
    const char *host = virtual_host(r);

    return host ? json_pack("[s, s]", service, host) : json_string(service);
}

/* Whether an entry of "aud" begins with length bytes of name.  If these include
 * the NUL, it must be equal to name. */
static int audience_has_prefix(const json_t *audience, const char *name,
                               apr_size_t length)
{
    const json_t *entry;
    apr_size_t i;

    if (json_is_string(audience)) {
        return !strncmp(json_string_value(audience), name, length);
    }
    json_array_foreach(audience, i, entry)
    {
        if (json_is_string(entry)
            && !strncmp(json_string_value(entry), name, length)) {
            return 1;
        }
    }
    return 0;
}

/* Whether a token is for this service, and not for another virtual host. */
static int audience_is_ours(request_rec *r, const json_t *audience)
{
    const char *service = oci_bearer_service(r);
    const char *host = virtual_host(r);

    return audience_has_prefix(audience, service, strlen(service) + 1)
        && (host ? audience_has_prefix(audience, host, strlen(host) + 1)
                 : oci_config_of(r)->token_service
                    || !audience_has_prefix(audience, VIRTUAL_HOST,
                                            strlen(VIRTUAL_HOST)));
}

/* Whether a text is safe in logs and headers: it has no control characters. */
static int is_printable(const char *text)
{
    for (; *text; text++) {
        if (apr_iscntrl(*text)) {
            return 0;
        }
    }
    return 1;
}

/* Check the registered claims (RFC 7519, 4.1).
 * @return NULL, or why the token is not valid */
static const char *check_claims(request_rec *r, const json_t *claims)
{
    const char *issuer = json_string_value(json_object_get(claims, "iss"));
    const json_t *expires = json_object_get(claims, "exp");
    const json_t *not_before = json_object_get(claims, "nbf");
    const json_t *subject = json_object_get(claims, "sub");
    json_int_t now = apr_time_sec(apr_time_now());

    if (!issuer || strcmp(issuer, oci_bearer_issuer(r))) {
        return apr_psprintf(r->pool, "its issuer is not '%s'",
                            oci_bearer_issuer(r));
    }
    if (!audience_is_ours(r, json_object_get(claims, "aud"))) {
        return apr_psprintf(r->pool, "its audience is not this service, '%s'",
                            oci_bearer_service(r));
    }
    if (!json_is_number(expires)
        || json_number_value(expires) + CLOCK_SKEW < now) {
        return "it has expired";
    }
    if (not_before
        && (!json_is_number(not_before)
            || json_number_value(not_before) - CLOCK_SKEW > now)) {
        return "it is not valid yet";
    }
    if (subject
        && (!json_is_string(subject)
            || !is_printable(json_string_value(subject)))) {
        return "its subject is not a string of printable characters";
    }
    return NULL;
}

/* Return the value of a claim as text, NULL if it is an array, an object or
 * null. */
static const char *claim_text(const json_t *value, apr_pool_t *pool)
{
    if (json_is_string(value)) {
        return json_string_value(value);
    }
    return json_is_number(value) || json_is_boolean(value)
        ? oci_json_text(value, pool)
        : NULL;
}

/* Set OCI_CLAIM_<name> for each claim.  Claims whose names cannot be part of a
 * variable's name are skipped: if they were changed to fit, two claims could
 * get the same variable. */
static void export_claims(request_rec *r, const json_t *claims)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    const char *name, *text;
    json_t *value;

    json_object_foreach((json_t *)claims, name, value)
    {
        text = claim_text(value, r->pool);
        if (text && is_printable(text) && !name[strspn(name, letters)]) {
            apr_table_set(r->subprocess_env,
                          apr_pstrcat(r->pool, "OCI_CLAIM_", name, NULL), text);
        }
    }
}

static oci_bearer_t *make_bearer(const json_t *claims,
                                 const oci_key_set_t *keys, apr_pool_t *pool)
{
    oci_bearer_t *bearer = apr_pcalloc(pool, sizeof(*bearer));
    const char *user = json_string_value(json_object_get(claims, "sub"));
    const json_t *access = json_object_get(claims, "access");

    bearer->locally_issued = oci_key_set_signer(keys) != NULL;
    if (user && *user) {
        bearer->user = apr_pstrdup(pool, user);
    }
    if (access) {
        bearer->scopes = oci_scopes_of_access(access, pool);
    }
    return bearer;
}

const char *oci_bearer_verify(const oci_bearer_t **bearer, request_rec *r,
                              const char *token)
{
    const oci_key_set_t *keys = oci_config_keys(oci_config_of(r));
    json_t *claims;
    const char *problem = oci_jwt_verify(&claims, keys, token, r->pool);

    if (!problem) {
        problem = check_claims(r, claims);
    }
    if (problem) {
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r,
                      "oci: %s %s: the token is refused: %s", r->method, r->uri,
                      problem);
        return "invalid_token";
    }
    export_claims(r, claims);
    *bearer = make_bearer(claims, keys, r->pool);
    return NULL;
}

/* Make a quoted-string (RFC 9110, 5.6.4). */
static const char *quoted_string(const char *text, apr_pool_t *pool)
{
    char *quoted = apr_palloc(pool, 2 * strlen(text) + 3);
    char *p = quoted;

    *p++ = '"';
    for (; *text; text++) {
        if (*text == '"' || *text == '\\') {
            *p++ = '\\';
        }
        *p++ = *text;
    }
    *p++ = '"';
    *p = '\0';
    return quoted;
}

/* Return the repository that a mount is from, NULL for none. */
static const char *mount_source(request_rec *r)
{
    apr_table_t *query;
    const char *from;

    if (!r->args || oci_query_parse(&query, r->args, r->pool) != APR_SUCCESS
        || !apr_table_get(query, "mount")) {
        return NULL;
    }
    from = apr_table_get(query, "from");
    return from && oci_name_valid(from) ? from : NULL;
}

static const char *scope_for_challenge(request_rec *r,
                                       const oci_context_t *context)
{
    const oci_route_t *route = &context->route;
    const char *from = context->source;

    if (!from && route->endpoint == OCI_ROUTE_UPLOADS) {
        from = mount_source(r);
    }
    if (route->endpoint == OCI_ROUTE_CATALOG) {
        return "registry:catalog:*";
    }
    if (!route->name || !oci_name_valid(route->name)) {
        return NULL;
    }
    return apr_pstrcat(r->pool, "repository:", route->name, ":",
                       context->action == OCI_PUSH
                           ? "pull,push"
                           : oci_actions_text(context->action, r->pool),
                       from ? " repository:" : NULL, from, ":pull", NULL);
}

const char *oci_bearer_challenge(request_rec *r, const oci_context_t *context)
{
    const char *realm = oci_config_of(r)->token_realm;
    const char *scope = scope_for_challenge(r, context);
    const char *text;

    if (!realm) {
        realm = "/token";
    }
    if (*realm == '/') {
        realm = apr_pstrcat(r->pool, ap_http_scheme(r), "://", request_host(r),
                            realm, NULL);
    }
    text = apr_pstrcat(r->pool, "Bearer realm=", quoted_string(realm, r->pool),
                       ",service=",
                       quoted_string(oci_bearer_service(r), r->pool), NULL);
    if (scope) {
        text = apr_pstrcat(r->pool, text,
                           ",scope=", quoted_string(scope, r->pool), NULL);
    }
    if (context->token_error) {
        text = apr_pstrcat(r->pool, text, ",error=",
                           quoted_string(context->token_error, r->pool), NULL);
    }
    return text;
}
