/* SPDX-License-Identifier: Apache-2.0 */

/* Checks of the Require lines of a registry. */

#include <string.h>

#include "httpd.h"
#include "http_config.h"
#include "apr_strings.h"

#include "httpd/config_lines.h"
#include "httpd/context.h"
#include "httpd/guards.h"
#include "httpd/require_check.h"
#include "values/scope.h"

/* Whether one of these directives may apply where a line does.
 * @param names Ended by NULL */
static int has_one_of(const char *const *names, const oci_line_t *line,
                      const apr_array_header_t *lines)
{
    for (; *names; names++) {
        if (oci_lines_find(lines, *names, line)) {
            return 1;
        }
    }
    return 0;
}

/* Whether everybody may use what a handler serves, although no line says so, as
 * "Require all granted" does. */
static int is_open(const oci_line_t *handler, const apr_array_header_t *lines)
{
    static const char *const guards[] = {
        "Require",         "Allow",       "Deny",         "Order", "SSLRequire",
        "SSLVerifyClient", "RewriteRule", "AllowMethods", "<If",   NULL,
    };

    return !has_one_of(guards, handler, lines)
        && !oci_guards_have_foreign_module();
}

/* Warn of a registry in which every client may push. */
static void check_open(const server_rec *s, const oci_line_t *handler,
                       const apr_array_header_t *lines)
{
    if (is_open(handler, lines)
        && !oci_lines_find(lines, "OCIReadOnly", handler)) {
        oci_line_warn(
            s, handler->directive,
            "every client may push to this registry, because it has no "
            "Require line; add the Require lines that you want, or \"Require "
            "all granted\" if this is meant");
    }
}

static void check_open_metrics(const server_rec *s, const oci_line_t *handler,
                               const apr_array_header_t *lines)
{
    if (is_open(handler, lines)) {
        oci_line_warn(s, handler->directive,
                      "every client may read these metrics, because they have "
                      "no Require line; add \"Require local\" or others, or "
                      "\"Require all granted\" if this is meant");
    }
}

/* Whether a line allows only users who have logged in.  Others, such as
 * ldap-search and expr, may do without a user. */
static int needs_user(const oci_line_t *line, apr_pool_t *pool)
{
    static const char *const words[] = {
        "valid-user",  "user",      "group",      "dbm-group",
        "dbd-group",   "ldap-user", "ldap-group", "ldap-attribute",
        "ldap-filter", "ldap-dn",   NULL,
    };
    const char *word = oci_line_word(line, pool);
    int i;

    for (i = 0; words[i]; i++) {
        if (!ap_cstr_casecmp(word, words[i])) {
            return oci_line_is(line, "Require");
        }
    }
    return 0;
}

/* Warn of a Require line that needs a user, where nobody can log in. */
static void check_login(const server_rec *s, const oci_line_t *line,
                        const apr_array_header_t *lines, apr_pool_t *pool)
{
    static const char *const logins[] = { "AuthType", "OCIToken", "SSLUserName",
                                          NULL };
    int i;

    if (!line->path || !needs_user(line, pool)
        || oci_guards_have_foreign_module()) {
        return;
    }
    for (i = 0; i < lines->nelts; i++) {
        const oci_line_t *handler = &APR_ARRAY_IDX(lines, i, oci_line_t);

        if (oci_line_sets_handler(handler, OCI_HANDLER, pool)
            && oci_lines_meet(line, handler)
            && !has_one_of(logins, handler, lines)) {
            oci_line_warn(s, line->directive,
                          apr_psprintf(pool,
                                       "\"Require %s\" allows nobody, because "
                                       "nobody can log in; add AuthType and "
                                       "its directives, or OCIToken",
                                       line->directive->args));
            return;
        }
    }
}

/* Return the actions of a "Require oci" line, 0 for another line. */
static unsigned actions_of(const ap_directive_t *line, apr_pool_t *pool)
{
    const char *args = line->args;

    return ap_cstr_casecmp(line->directive, "Require")
            || ap_cstr_casecmp(ap_getword_conf(pool, &args), "oci")
        ? 0
        : oci_actions_parse(ap_getword_conf(pool, &args));
}

/* Whether a Require line, or a section of them, may allow a pull.
 * @param needs_all Whether all of the section's lines must allow it */
static int may_pull(const ap_directive_t *line, int needs_all, apr_pool_t *pool)
{
    for (; line; line = line->next) {
        unsigned actions = actions_of(line, pool);
        int may;

        if (!ap_cstr_casecmp(line->directive, "<RequireAll")
            || !ap_cstr_casecmp(line->directive, "<RequireAny")) {
            may = may_pull(line->first_child,
                           !ap_cstr_casecmp(line->directive, "<RequireAll"),
                           pool);
        }
        else if (actions) {
            may = (actions & OCI_PULL) != 0;
        }
        else if (line->first_child
                 || !ap_cstr_casecmp(line->directive, "Require")) {
            may = 1;
        }
        else {
            continue;
        }
        if (may != needs_all) {
            return may;
        }
    }
    return needs_all;
}

/* Whether the Require lines of another section may replace those of a line's
 * section. */
static int may_be_replaced(const oci_line_t *line,
                           const apr_array_header_t *lines)
{
    int i;

    for (i = 0; i < lines->nelts; i++) {
        const oci_line_t *other = &APR_ARRAY_IDX(lines, i, oci_line_t);

        if (other->section && other->section != line->section
            && oci_lines_meet(other, line) && oci_line_is(other, "Require")) {
            return 1;
        }
    }
    return 0;
}

/* Warn of a right to push without the right to pull. */
static void check_push(const server_rec *s, const oci_line_t *line,
                       const apr_array_header_t *lines, apr_pool_t *pool)
{
    unsigned actions = actions_of(line->directive, pool);

    if ((actions & OCI_PUSH) && !(actions & OCI_PULL) && line->path
        && line->section && !line->for_files
        && !oci_lines_find(lines, "AuthMerging", line)
        && !oci_lines_find(lines, "Satisfy", line)
        && !may_be_replaced(line, lines)
        && !may_pull(line->section->first_child, 0, pool)) {
        oci_line_warn(
            s, line->directive,
            "most clients cannot push without the right to pull, because they "
            "first ask what the registry has; write \"Require oci pull,push "
            "...\"");
    }
}

void oci_require_check_lines(const server_rec *main_server,
                             const apr_array_header_t *lines, apr_pool_t *pool)
{
    int i;

    for (i = 0; i < lines->nelts; i++) {
        const oci_line_t *line = &APR_ARRAY_IDX(lines, i, oci_line_t);

        if (!line->for_files
            && oci_line_sets_handler(line, OCI_HANDLER, pool)) {
            check_open(main_server, line, lines);
        }
        if (!line->for_files
            && oci_line_sets_handler(line, OCI_METRICS_HANDLER, pool)) {
            check_open_metrics(main_server, line, lines);
        }
        check_login(main_server, line, lines, pool);
        check_push(main_server, line, lines, pool);
    }
}
