/* SPDX-License-Identifier: Apache-2.0 */

/* Bearer tokens at the registry (RFC 6750; distribution's token
 * authentication). */

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

/* How far clocks may differ, in seconds. */
#define SLACK 60

/* The host as the client wrote it: behind a proxy our own port is nobody's
 * business. */
static const char *host_of(request_rec *r)
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

    return service ? service : host_of(r);
}

const char *oci_bearer_issuer(request_rec *r)
{
    const char *issuer = oci_config_of(r)->token_issuer;

    return issuer ? issuer : oci_bearer_service(r);
}

/* What an entry of "aud" that means a virtual host begins with. */
#define VIRTUAL_HOST "virtual host "

/* A Host is what the client says, and so might be another virtual host's whose
 * users are others.  Where it is the service's name, the tokens that we issue
 * are for the virtual host as well, by what all nodes know it by.
 * @return NULL where the service is enough, or it is the main server
 */
static const char *virtual_host(const request_rec *r)
{
    const server_rec *s = r->server;
    const server_addr_rec *address;
    const char *text = VIRTUAL_HOST;

    if (!s->is_virtual || oci_config_of(r)->token_service) {
        return NULL;
    }
    /* without a ServerName it has the main server's, which is a machine's */
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

static int names(const json_t *audience, const char *name, apr_size_t length)
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

/* Whether a token is for this service, and no other host's. */
static int is_for_us(request_rec *r, const json_t *audience)
{
    const char *service = oci_bearer_service(r);
    const char *host = virtual_host(r);

    return names(audience, service, strlen(service) + 1)
        && (host ? names(audience, host, strlen(host) + 1)
                 : oci_config_of(r)->token_service
                    || !names(audience, VIRTUAL_HOST, strlen(VIRTUAL_HOST)));
}

/* Whether a text can go where lines and fields are told apart. */
static int is_printable(const char *text)
{
    for (; *text; text++) {
        if (apr_iscntrl(*text)) {
            return 0;
        }
    }
    return 1;
}

/* Hold the claims against what must be so (RFC 7519, 4.1). */
static const char *judge(request_rec *r, const json_t *claims)
{
    const char *issuer = json_string_value(json_object_get(claims, "iss"));
    const json_t *expires = json_object_get(claims, "exp");
    const json_t *begins = json_object_get(claims, "nbf");
    const json_t *subject = json_object_get(claims, "sub");
    json_int_t now = apr_time_sec(apr_time_now());

    if (!issuer || strcmp(issuer, oci_bearer_issuer(r))) {
        return "it is of another issuer";
    }
    if (!is_for_us(r, json_object_get(claims, "aud"))) {
        return "it is for another service";
    }
    if (!json_is_number(expires) || json_number_value(expires) + SLACK < now) {
        return "it has expired";
    }
    if (begins
        && (!json_is_number(begins)
            || json_number_value(begins) - SLACK > now)) {
        return "it is not valid yet";
    }
    if (subject
        && (!json_is_string(subject)
            || !is_printable(json_string_value(subject)))) {
        return "its subject is no name";
    }
    return NULL;
}

/* OCI_CLAIM_<name>, its value as a string.  Names that are no such variable
 * are left out: of two that were made one, the wrong might win. */
static void export_claims(request_rec *r, const json_t *claims)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    const char *name, *text;
    json_t *value;

    json_object_foreach((json_t *)claims, name, value)
    {
        text = json_is_string(value) ? json_string_value(value)
            : json_is_number(value) || json_is_boolean(value)
            ? oci_json_text(value, r->pool)
            : NULL;
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

    bearer->ours = oci_key_set_signer(keys) != NULL;
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
        problem = judge(r, claims);
    }
    if (problem) {
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r,
                      "oci: a token is refused: %s", problem);
        return "invalid_token";
    }
    export_claims(r, claims);
    *bearer = make_bearer(claims, keys, r->pool);
    return NULL;
}

/* Text between quotes. */
static const char *quote(const char *text, apr_pool_t *pool)
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

/* The repository that a mount is from, NULL for none. */
static const char *mount_source(request_rec *r)
{
    apr_table_t *query;
    const char *from;

    if (!r->args || oci_query_parse(&query, r->args, r->pool)
        || !apr_table_get(query, "mount")) {
        return NULL;
    }
    from = apr_table_get(query, "from");
    return from && oci_name_valid(from) ? from : NULL;
}

static const char *scope_of(request_rec *r, const oci_context_t *context)
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
    const char *scope = scope_of(r, context);
    const char *text;

    if (!realm) {
        realm = "/token";
    }
    if (*realm == '/') {
        realm = apr_pstrcat(r->pool, ap_http_scheme(r), "://", host_of(r),
                            realm, NULL);
    }
    text = apr_pstrcat(r->pool, "Bearer realm=", quote(realm, r->pool),
                       ",service=", quote(oci_bearer_service(r), r->pool),
                       NULL);
    if (scope) {
        text = apr_pstrcat(r->pool, text, ",scope=", quote(scope, r->pool),
                           NULL);
    }
    if (context->token_error) {
        text = apr_pstrcat(r->pool, text,
                           ",error=", quote(context->token_error, r->pool),
                           NULL);
    }
    return text;
}
