/* SPDX-License-Identifier: Apache-2.0 */

/* Checks of the directives for tokens, which need each other. */

#include <string.h>

#include "httpd.h"
#include "http_config.h"
#include "http_core.h"
#include "http_log.h"
#include "apr_strings.h"

#include "httpd/config.h"
#include "httpd/config_lines.h"
#include "httpd/context.h"
#include "httpd/token.h"
#include "httpd/token_check.h"

APLOG_USE_MODULE(oci);

/* Whether a key file cannot sign.  A file that does not exist yet will. */
static int cannot_sign(const oci_token_key_t *key)
{
    return key && key->keys && !oci_key_set_signer(key->keys);
}

static const char *check_needs_of_section(const server_rec *s,
                                          const oci_config_t *config,
                                          const apr_array_header_t *lines)
{
    const oci_config_t *base = ap_get_module_config(s->lookup_defaults,
                                                    &oci_module);
    const oci_line_t anywhere = { .path = NULL };

    if (!oci_config_uses_tokens(config)) {
        return NULL;
    }
    if (!config->token_key && !base->token_key
        && !oci_config_of_server(s)->keys->nelts) {
        return "OCIToken is On, but there is no OCITokenKey; add "
               "OCITokenKey, with the path of a key file";
    }
    if (cannot_sign(config->token_key ? config->token_key : base->token_key)
        && !oci_lines_find(lines, "OCITokenService", &anywhere)) {
        return "OCITokenKey holds no signing key, so tokens come from "
               "another issuer, but there is no OCITokenService; add it, "
               "with the name of this registry in the issuer's tokens";
    }
    return NULL;
}

static int has_token_endpoint(const apr_array_header_t *lines, apr_pool_t *pool)
{
    int i;

    for (i = 0; i < lines->nelts; i++) {
        if (oci_line_sets_handler(&APR_ARRAY_IDX(lines, i, oci_line_t),
                                  OCI_TOKEN_HANDLER, pool)) {
            return 1;
        }
    }
    return 0;
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

const char *oci_token_check_needs(const server_rec *main_server,
                                  apr_pool_t *pool)
{
    const apr_array_header_t *lines = oci_lines_read(ap_conftree, pool);
    const char *error = NULL;
    const server_rec *s;
    int i;

    for (s = main_server; s && !error; s = s->next) {
        const apr_array_header_t *tokens = oci_config_of_server(s)->tokens;

        for (i = 0; i < tokens->nelts && !error; i++) {
            error = check_needs_of_section(s,
                                           APR_ARRAY_IDX(tokens, i,
                                                         oci_config_t *),
                                           lines);
        }
    }
    if (!error && has_token_endpoint(lines, pool)
        && !has_signing_key(main_server)) {
        error = "SetHandler " OCI_TOKEN_HANDLER " needs an OCITokenKey with "
                "a private key or a secret, but there is none";
    }
    return error;
}

/* Warn of a handler that lacks a directive for tokens, which is only in another
 * section.
 * @param effect What the handler does without it */
static void warn_of_lack(const server_rec *s, const oci_line_t *handler,
                         const apr_array_header_t *lines, const char *name,
                         const char *effect)
{
    const oci_line_t anywhere = { .path = NULL };
    const oci_line_t *other = oci_lines_find(lines, name, &anywhere);

    if (other && !oci_lines_find(lines, name, handler)) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, s,
                     "oci: %s line %d: this handler %s, because the %s at %s "
                     "line %d applies only to another section; move %s out of "
                     "that section",
                     handler->directive->filename, handler->directive->line_num,
                     effect, name, other->directive->filename,
                     other->directive->line_num, name);
    }
}

/* Whether tokens are certainly in use at a handler. */
static int uses_tokens(const oci_line_t *handler,
                       const apr_array_header_t *lines, apr_pool_t *pool)
{
    int on = 0;
    int i;

    for (i = 0; i < lines->nelts; i++) {
        const oci_line_t *line = &APR_ARRAY_IDX(lines, i, oci_line_t);

        if (oci_lines_meet(line, handler) && oci_line_is(line, "OCIToken")) {
            if (ap_cstr_casecmp(oci_line_word(line, pool), "On")
                || !line->path) {
                return 0;
            }
            on = 1;
        }
    }
    return on;
}

/* Whether something else than our handler may answer at /token: another
 * handler, or another server. */
static int may_be_elsewhere(const apr_array_header_t *lines)
{
    static const char *const names[] = { "ProxyPass",     "ProxyPassMatch",
                                         "RewriteRule",   "Redirect",
                                         "RedirectMatch", NULL };
    const oci_line_t anywhere = { .path = NULL };
    int i;

    for (i = 0; names[i]; i++) {
        if (oci_lines_find(lines, names[i], &anywhere)) {
            return 1;
        }
    }
    for (i = 0; i < lines->nelts; i++) {
        if (strstr(APR_ARRAY_IDX(lines, i, oci_line_t).directive->args,
                   "/token")) {
            return 1;
        }
    }
    return 0;
}

/* Whether a line switches tokens on, and clients find no endpoint for them. */
static int lacks_endpoint(const oci_line_t *line,
                          const apr_array_header_t *lines, apr_pool_t *pool)
{
    return oci_line_is(line, "OCIToken")
        && !ap_cstr_casecmp(oci_line_word(line, pool), "On")
        && !has_token_endpoint(lines, pool)
        && !oci_lines_find(lines, "OCITokenRealm", line)
        && !may_be_elsewhere(lines);
}

void oci_token_check_lines(const server_rec *main_server,
                           const apr_array_header_t *lines, apr_pool_t *pool)
{
    int signs = has_signing_key(main_server);
    int i;

    for (i = 0; i < lines->nelts; i++) {
        const oci_line_t *line = &APR_ARRAY_IDX(lines, i, oci_line_t);

        if (oci_line_sets_handler(line, OCI_TOKEN_HANDLER, pool)) {
            warn_of_lack(main_server, line, lines,
                         oci_lines_find(lines, "OCIToken", line) ? "OCITokenKey"
                                                                 : "OCIToken",
                         "issues no tokens");
        }
        else if (oci_line_sets_handler(line, OCI_HANDLER, pool)
                 && uses_tokens(line, lines, pool)) {
            warn_of_lack(main_server, line, lines, "OCITokenKey",
                         "answers 500");
        }
        else if (signs && lacks_endpoint(line, lines, pool)) {
            ap_log_error(APLOG_MARK, APLOG_WARNING, 0, main_server,
                         "oci: %s line %d: OCIToken is On, but nothing issues "
                         "tokens to clients: add a Location with SetHandler "
                         "oci-token, or OCITokenRealm with the URL of the "
                         "server that issues them",
                         line->directive->filename, line->directive->line_num);
        }
    }
}
