/* SPDX-License-Identifier: Apache-2.0 */

/* The parts of the configuration that may refuse a request. */

#include <string.h>

#include "httpd.h"
#include "http_config.h"
#include "http_main.h"
#include "http_protocol.h"
#include "http_request.h"

#include "httpd/config_lines.h"
#include "httpd/guards.h"

/* Directives that may refuse some callers (by_caller), or all callers for some
 * names, which then must not be listed either. */
static const struct {
    const char *name;
    int by_caller;
} guards[] = {
    { "AuthType", 1 },
    { "Require", 1 },
    { "Allow", 1 },
    { "Deny", 1 },
    { "Order", 1 },
    { "Satisfy", 1 },
    { "SSLRequire", 1 },
    { "SSLRequireSSL", 1 },
    { "SSLVerifyClient", 1 },
    { "RewriteRule", 1 },
    { "Redirect", 0 },
    { "RedirectMatch", 0 },
    { "OCIRepositoryPattern", 0 },
};

/* Sections that apply only to some requests: each is a guard, whatever it
 * contains. */
static const char *const conditional_sections[] = { "<If", "<ElseIf", "<Else",
                                                    NULL };

/* The modules of httpd with request hooks.  They refuse requests only by the
 * directives above.  Any other module may refuse requests in its own way. */
static const char *const known_modules[] = {
    "core.c",
    "event.c",
    "http_core.c",
    "prefork.c",
    "worker.c",
    "mod_access_compat.c",
    "mod_actions.c",
    "mod_alias.c",
    "mod_allowmethods.c",
    "mod_asis.c",
    "mod_auth_basic.c",
    "mod_auth_digest.c",
    "mod_auth_form.c",
    "mod_authn_anon.c",
    "mod_authn_core.c",
    "mod_authn_dbd.c",
    "mod_authn_dbm.c",
    "mod_authn_file.c",
    "mod_authn_socache.c",
    "mod_authnz_fcgi.c",
    "mod_authnz_ldap.c",
    "mod_authz_core.c",
    "mod_authz_dbd.c",
    "mod_authz_dbm.c",
    "mod_authz_groupfile.c",
    "mod_authz_host.c",
    "mod_authz_owner.c",
    "mod_authz_user.c",
    "mod_autoindex.c",
    "mod_cache.c",
    "mod_cern_meta.c",
    "mod_cgi.c",
    "mod_cgid.c",
    "mod_dav.c",
    "mod_dav_fs.c",
    "mod_dbd.c",
    "mod_dir.c",
    "mod_env.c",
    "mod_expires.c",
    "mod_file_cache.c",
    "mod_headers.c",
    "mod_http2.c",
    "mod_imagemap.c",
    "mod_include.c",
    "mod_info.c",
    "mod_log_config.c",
    "mod_log_debug.c",
    "mod_log_forensic.c",
    "mod_logio.c",
    "mod_md.c",
    "mod_mime.c",
    "mod_mime_magic.c",
    "mod_negotiation.c",
    "mod_oci.c",
    "mod_proxy.c",
    "mod_proxy_connect.c",
    "mod_proxy_http.c",
    "mod_proxy_http2.c",
    "mod_remoteip.c",
    "mod_reqtimeout.c",
    "mod_request.c",
    "mod_rewrite.c",
    "mod_session.c",
    "mod_session_cookie.c",
    "mod_session_dbd.c",
    "mod_setenvif.c",
    "mod_speling.c",
    "mod_ssl.c",
    "mod_status.c",
    "mod_unique_id.c",
    "mod_userdir.c",
    "mod_usertrack.c",
    "mod_vhost_alias.c",
};

static int is_directive(const ap_directive_t *line, const char *name)
{
    return !ap_cstr_casecmp(line->directive, name);
}

static void add_guard(oci_server_config_t *server, const char *path)
{
    server->guarded = 1;
    if (path) {
        APR_ARRAY_PUSH(server->guarded_paths, const char *) = path;
    }
}

/* Return the longest known prefix of all paths in a section. */
static const char *path_prefix(const ap_directive_t *section,
                               const char *outside, apr_pool_t *pool)
{
    const char *args = section->args;
    char *path;

    if (!is_directive(section, "<Location")) {
        return outside;
    }
    path = ap_getword_conf(pool, &args);
    if (*path != '/') {
        return outside; /* "~" and an expression */
    }
    path[strcspn(path, "*?[>")] = '\0';
    return path;
}

/* Whether a section may apply to the path of a tag, and not to the path of
 * another tag or of a digest in the same repository. */
static int may_split_tags(const ap_directive_t *section, apr_pool_t *pool)
{
    const char *args = section->args;
    const char *path;

    if (is_directive(section, "<LocationMatch")) {
        return 1;
    }
    if (!is_directive(section, "<Location")) {
        return 0;
    }
    path = ap_getword_conf(pool, &args);
    return *path != '/' || path[strcspn(path, "*?[")]
        || strstr(path, "/manifests/");
}

static void read_line(oci_server_config_t *server, const ap_directive_t *line,
                      const char *path)
{
    apr_size_t i;

    if (is_directive(line, "Require")
        && !ap_cstr_casecmp(line->args, "all granted")) {
        return;
    }
    for (i = 0; i < sizeof(guards) / sizeof(guards[0]); i++) {
        if (is_directive(line, guards[i].name)) {
            add_guard(server, guards[i].by_caller ? path : NULL);
            return;
        }
    }
}

/* Read a list of lines.
 * @param path The prefix of their paths; NULL if they cannot apply to a
 *        registry */
static void read_lines(oci_server_config_t *server, const ap_directive_t *line,
                       const char *path, apr_pool_t *pool)
{
    for (; line; line = line->next) {
        if (line->first_child) {
            if (oci_directive_is_one_of(line, conditional_sections)) {
                add_guard(server, path);
            }
            server->splits_tags |= may_split_tags(line, pool);
            read_lines(server, line->first_child,
                       !path || oci_directive_is_for_files(line)
                           ? NULL
                           : path_prefix(line, path, pool),
                       pool);
        }
        else {
            read_line(server, line, path);
        }
    }
}

int oci_guards_know_module(const char *module)
{
    apr_size_t i;

    for (i = 0; i < sizeof(known_modules) / sizeof(known_modules[0]); i++) {
        if (!strcmp(module, known_modules[i])) {
            return 1;
        }
    }
    return 0;
}

/* Whether a module from outside httpd has a hook at one stage of a request.
 * @param hooks The stage's hooks.  Their types differ only in the first
 *        member, which points to a function
 */
static int stage_has_foreign_module(const apr_array_header_t *hooks)
{
    int i;

    for (i = 0; hooks && i < hooks->nelts; i++) {
        const ap_LINK_fixups_t
            *hook = (const ap_LINK_fixups_t *)(hooks->elts
                                               + i * hooks->elt_size);

        if (!oci_guards_know_module(hook->szName)) {
            return 1;
        }
    }
    return 0;
}

int oci_guards_have_foreign_module(void)
{
    return stage_has_foreign_module(ap_hook_get_quick_handler())
        || stage_has_foreign_module(ap_hook_get_post_read_request())
        || stage_has_foreign_module(ap_hook_get_translate_name())
        || stage_has_foreign_module(ap_hook_get_map_to_storage())
        || stage_has_foreign_module(ap_hook_get_post_perdir_config())
        || stage_has_foreign_module(ap_hook_get_header_parser())
        || stage_has_foreign_module(ap_hook_get_access_checker())
        || stage_has_foreign_module(ap_hook_get_access_checker_ex())
        || stage_has_foreign_module(ap_hook_get_check_user_id())
        || stage_has_foreign_module(ap_hook_get_auth_checker())
        || stage_has_foreign_module(ap_hook_get_type_checker())
        || stage_has_foreign_module(ap_hook_get_fixups());
}

void oci_guards_read(oci_server_config_t *server, const ap_directive_t *tree,
                     apr_pool_t *pool)
{
    server->guarded = 0;
    server->splits_tags = 0;
    server->guarded_paths = apr_array_make(pool, 4, sizeof(const char *));
    read_lines(server, tree, "", pool);
    if (oci_guards_have_foreign_module()) {
        add_guard(server, "");
    }
}

int oci_guards_exist(void)
{
    return oci_config_of_server(ap_server_conf)->guarded;
}

int oci_guards_have_tag_sections(void)
{
    return oci_config_of_server(ap_server_conf)->splits_tags;
}

int oci_guards_may_split_tags(void)
{
    const oci_server_config_t *server = oci_config_of_server(ap_server_conf);

    return server->guarded || server->splits_tags;
}

int oci_guards_cover_path(const char *path)
{
    const apr_array_header_t *paths = oci_config_of_server(ap_server_conf)
                                          ->guarded_paths;
    int i;

    for (i = 0; i < paths->nelts; i++) {
        const char *start = APR_ARRAY_IDX(paths, i, const char *);

        if (!strncmp(path, start, strlen(start))) {
            return 1;
        }
    }
    return 0;
}
