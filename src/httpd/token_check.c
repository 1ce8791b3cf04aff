/* SPDX-License-Identifier: Apache-2.0 */

/* Checks of the directives for tokens, which need each other. */

#include <string.h>

#include "httpd.h"
#include "http_config.h"
#include "http_core.h"
#include "apr_strings.h"

#include "httpd/config.h"
#include "httpd/config_lines.h"
#include "httpd/context.h"
#include "httpd/token.h"
#include "httpd/token_check.h"

/* Whether a key file cannot sign.  A file that does not exist yet will. */
static int cannot_sign(const oci_token_key_t *key)
{
    return key && key->keys && !oci_key_set_signer(key->keys);
}

/* *line: set to the line that lacks something, if there is an error */
static const char *check_needs_of_section(const ap_directive_t **line,
                                          const server_rec *s,
                                          const oci_config_t *section,
                                          const apr_array_header_t *lines)
{
    const oci_config_t *config = oci_config_inherit(section, s, lines->pool);
    const oci_line_t anywhere = { .path = NULL };

    if (!oci_config_uses_tokens(section)) {
        return NULL;
    }
    *line = section->token_line;
    if (!config->token_key && !oci_config_of_server(s)->keys->nelts) {
        return "OCIToken is On, but there is no OCITokenKey; add "
               "OCITokenKey, with the path of a key file";
    }
    if (cannot_sign(config->token_key)
        && !oci_lines_find(lines, "OCITokenService", &anywhere)) {
        *line = config->token_key->line.directive;
        return "OCITokenKey holds no signing key, so tokens come from "
               "another issuer, but there is no OCITokenService; add it, "
               "with the value of \"aud\" in the issuer's tokens for this "
               "registry";
    }
    return NULL;
}

/* Find an endpoint for tokens.
 * @param other Look only in the virtual host of this line; NULL: in all */
static const oci_line_t *find_endpoint(const apr_array_header_t *lines,
                                       const oci_line_t *other)
{
    int i;

    for (i = 0; i < lines->nelts; i++) {
        const oci_line_t *line = &APR_ARRAY_IDX(lines, i, oci_line_t);

        if (oci_line_sets_handler(line, OCI_TOKEN_HANDLER, lines->pool)
            && (!other || oci_lines_share_host(line, other))) {
            return line;
        }
    }
    return NULL;
}

/* Whether some key file of any server can sign. */
static int has_signing_key(const server_rec *s)
{
    int i;

    for (; s; s = s->next) {
        const apr_array_header_t *keys = oci_config_of_server(s)->keys;

        for (i = 0; i < keys->nelts; i++) {
            if (!cannot_sign(APR_ARRAY_IDX(keys, i, oci_token_key_t *))) {
                return 1;
            }
        }
    }
    return 0;
}

const char *oci_token_check_needs(const ap_directive_t **line,
                                  const server_rec *main_server,
                                  apr_pool_t *pool)
{
    const apr_array_header_t *lines = oci_lines_read(ap_conftree, pool);
    const oci_line_t *endpoint = find_endpoint(lines, NULL);
    const char *error = NULL;
    const server_rec *s;
    int i;

    for (s = main_server; s && !error; s = s->next) {
        const apr_array_header_t *tokens = oci_config_of_server(s)->tokens;

        for (i = 0; i < tokens->nelts && !error; i++) {
            error = check_needs_of_section(line, s,
                                           APR_ARRAY_IDX(tokens, i,
                                                         oci_config_t *),
                                           lines);
        }
    }
    if (!error && endpoint && !has_signing_key(main_server)) {
        *line = endpoint->directive;
        error = "SetHandler " OCI_TOKEN_HANDLER " needs an OCITokenKey with "
                "a private key or a secret, but there is none";
    }
    return error;
}

/* Whether a handler lacks a directive, because it is only in other sections. */
static int lacks(const oci_line_t *handler, const apr_array_header_t *lines,
                 const char *name)
{
    const oci_line_t anywhere = { .path = NULL };

    return !oci_lines_find(lines, name, handler)
        && oci_lines_find(lines, name, &anywhere);
}

/* Return "the NAME at FILE line N" for the first line with a directive. */
static const char *name_line(const apr_array_header_t *lines, const char *name)
{
    const oci_line_t anywhere = { .path = NULL };
    const ap_directive_t *line = oci_lines_find(lines, name, &anywhere)
                                     ->directive;

    return apr_psprintf(lines->pool, "the %s at %s line %d", name,
                        line->filename, line->line_num);
}

/* Warn of a handler that lacks a directive.
 * @param effect What the handler does without it */
static void warn_of_lack(const server_rec *s, const oci_line_t *handler,
                         const apr_array_header_t *lines, const char *name,
                         const char *effect)
{
    oci_line_warn(s, handler->directive,
                  apr_psprintf(lines->pool,
                               "%s, because %s applies only to another "
                               "section; move %s out of that section",
                               effect, name_line(lines, name), name));
}

/* Warn of an endpoint that issues no tokens. */
static void check_endpoint(const server_rec *s, const oci_line_t *handler,
                           const apr_array_header_t *lines)
{
    static const char effect[] = "SetHandler " OCI_TOKEN_HANDLER
                                 " issues no tokens";
    int lacks_key = lacks(handler, lines, "OCITokenKey");

    if (lacks(handler, lines, "OCIToken")) {
        if (lacks_key) {
            oci_line_warn(s, handler->directive,
                          apr_psprintf(lines->pool,
                                       "%s, because %s and %s apply only to "
                                       "other sections; move both lines out "
                                       "of their sections",
                                       effect, name_line(lines, "OCIToken"),
                                       name_line(lines, "OCITokenKey")));
        }
        else {
            warn_of_lack(s, handler, lines, "OCIToken", effect);
        }
    }
    else if (lacks_key && oci_lines_find(lines, "OCIToken", handler)) {
        warn_of_lack(s, handler, lines, "OCITokenKey", effect);
    }
}

/* Whether tokens are certainly in use at a handler. */
static int uses_tokens(const oci_line_t *handler,
                       const apr_array_header_t *lines)
{
    int on = 0;
    int i;

    for (i = 0; i < lines->nelts; i++) {
        const oci_line_t *line = &APR_ARRAY_IDX(lines, i, oci_line_t);

        if (oci_lines_meet(line, handler) && oci_line_is(line, "OCIToken")) {
            if (ap_cstr_casecmp(oci_line_word(line, lines->pool), "On")
                || !line->path) {
                return 0;
            }
            on = 1;
        }
    }
    return on;
}

/* Return the keys that certainly are those of a handler, because only one
 * OCITokenKey may apply to it, and applies to all its paths; otherwise NULL.
 * Also NULL if their file was not read. */
static const oci_key_set_t *keys_of(const server_rec *s,
                                    const oci_line_t *handler,
                                    const apr_array_header_t *lines)
{
    const ap_directive_t *found = NULL;
    int i;

    for (i = 0; i < lines->nelts; i++) {
        const oci_line_t *line = &APR_ARRAY_IDX(lines, i, oci_line_t);

        if (oci_line_is(line, "OCITokenKey") && oci_lines_meet(line, handler)) {
            if (found || !line->path || !handler->path
                || strncmp(line->path, handler->path, strlen(line->path))) {
                return NULL;
            }
            found = line->directive;
        }
    }
    for (; s && found; s = s->next) {
        const apr_array_header_t *keys = oci_config_of_server(s)->keys;

        for (i = 0; i < keys->nelts; i++) {
            const oci_token_key_t *key = APR_ARRAY_IDX(keys, i,
                                                       oci_token_key_t *);

            if (key->line.directive == found) {
                return key->keys;
            }
        }
    }
    return NULL;
}

/* Warn of a registry that refuses the tokens of its server's endpoint. */
static void check_keys(const server_rec *main_server, const oci_line_t *handler,
                       const apr_array_header_t *lines)
{
    const oci_line_t *endpoint = find_endpoint(lines, handler);
    const oci_key_set_t *keys = keys_of(main_server, handler, lines);
    const oci_key_set_t *others = endpoint
        ? keys_of(main_server, endpoint, lines)
        : NULL;

    if (keys && others && endpoint->host == handler->host
        && !strcmp(endpoint->path, "/token")
        && !oci_lines_find(lines, "OCITokenRealm", handler)
        && oci_key_set_signer(others)
        && !oci_key_set_has(keys, oci_key_set_signer(others))) {
        oci_line_warn(main_server, handler->directive,
                      apr_psprintf(lines->pool,
                                   "this registry refuses the tokens of the "
                                   "SetHandler " OCI_TOKEN_HANDLER " at %s "
                                   "line %d, because they have different keys; "
                                   "use the same OCITokenKey for both",
                                   endpoint->directive->filename,
                                   endpoint->directive->line_num));
    }
}

/* Whether something else than our handler may answer at /token of a line's
 * host: another handler, or another server. */
static int may_be_elsewhere(const oci_line_t *line,
                            const apr_array_header_t *lines)
{
    static const char *const names[] = { "ProxyPass",     "ProxyPassMatch",
                                         "RewriteRule",   "Redirect",
                                         "RedirectMatch", NULL };
    const oci_line_t in_host = { .host = line->host, .path = NULL };
    int i;

    for (i = 0; names[i]; i++) {
        if (oci_lines_find(lines, names[i], &in_host)) {
            return 1;
        }
    }
    for (i = 0; i < lines->nelts; i++) {
        const oci_line_t *other = &APR_ARRAY_IDX(lines, i, oci_line_t);

        if (oci_lines_share_host(other, line)
            && strstr(other->directive->args, "/token")) {
            return 1;
        }
    }
    return 0;
}

/* Whether a line switches tokens on, and clients find no endpoint for them. */
static int lacks_endpoint(const oci_line_t *line,
                          const apr_array_header_t *lines)
{
    return oci_line_is(line, "OCIToken")
        && !ap_cstr_casecmp(oci_line_word(line, lines->pool), "On")
        && !find_endpoint(lines, line)
        && !oci_lines_find(lines, "OCITokenRealm", line)
        && !may_be_elsewhere(line, lines);
}

/* Check a registry that uses tokens. */
static void check_registry(const server_rec *s, const oci_line_t *handler,
                           const apr_array_header_t *lines)
{
    if (lacks(handler, lines, "OCITokenKey")) {
        warn_of_lack(s, handler, lines, "OCITokenKey",
                     "SetHandler " OCI_HANDLER " answers 500");
    }
    else {
        check_keys(s, handler, lines);
    }
}

void oci_token_check_lines(const server_rec *main_server,
                           const apr_array_header_t *lines)
{
    int signs = has_signing_key(main_server);
    int i;

    for (i = 0; i < lines->nelts; i++) {
        const oci_line_t *line = &APR_ARRAY_IDX(lines, i, oci_line_t);

        if (oci_line_sets_handler(line, OCI_TOKEN_HANDLER, lines->pool)) {
            check_endpoint(main_server, line, lines);
        }
        else if (oci_line_sets_handler(line, OCI_HANDLER, lines->pool)
                 && uses_tokens(line, lines)) {
            check_registry(main_server, line, lines);
        }
        else if (signs && lacks_endpoint(line, lines)) {
            oci_line_warn(main_server, line->directive,
                          "OCIToken is On, but nothing issues tokens to "
                          "clients: add a Location with SetHandler "
                          "oci-token, or OCITokenRealm with the URL of the "
                          "server that issues them");
        }
    }
}
