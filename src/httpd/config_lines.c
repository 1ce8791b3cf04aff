/* SPDX-License-Identifier: Apache-2.0 */

/* The lines of the configuration, and where each of them applies. */

#include <string.h>

#include "httpd.h"
#include "http_config.h"
#include "http_log.h"
#include "apr_strings.h"

#include "httpd/config_lines.h"

APLOG_USE_MODULE(oci);

/* Sections for files, which the URLs of a registry are not mapped to, and for
 * proxied requests. */
static const char *const file_sections[] = {
    "<Directory", "<DirectoryMatch", "<Files", "<FilesMatch",
    "<Proxy",     "<ProxyMatch",     NULL,
};

/* Sections that select requests by a pattern, or by something else than their
 * path. */
static const char *const pattern_sections[] = {
    "<LocationMatch", "<If", "<ElseIf", "<Else", "<Limit", "<LimitExcept", NULL,
};

int oci_directive_is_one_of(const ap_directive_t *line,
                            const char *const *names)
{
    while (*names && ap_cstr_casecmp(line->directive, *names)) {
        names++;
    }
    return *names != NULL;
}

int oci_directive_is_for_files(const ap_directive_t *line)
{
    return oci_directive_is_one_of(line, file_sections);
}

/* Return the path of a <Location>; NULL if it has a pattern, or a URL, which is
 * for proxied requests. */
static const char *path_of(const oci_line_t *line, apr_pool_t *pool)
{
    const char *args = line->directive->args;
    char *path = ap_getword_conf(pool, &args);
    apr_size_t length = strlen(path);

    if (length && path[length - 1] == '>') {
        path[--length] = '\0';
    }
    return !*path || !strcmp(path, "~") || strpbrk(path, "*?[")
            || strstr(path, "://")
        ? NULL
        : path;
}

/* Set the place of the lines inside a section. */
static void enter(oci_line_t *inside, const oci_line_t *line, apr_pool_t *pool)
{
    const char *name = line->directive->directive;

    *inside = *line;
    if (!ap_cstr_casecmp(name, "<VirtualHost")) {
        inside->host = line->directive;
    }
    else if (!ap_cstr_casecmp(name, "<Location")) {
        inside->section = line->directive;
        inside->path = path_of(line, pool);
    }
    else if (oci_directive_is_one_of(line->directive, pattern_sections)) {
        inside->section = line->section ? line->section : line->directive;
        inside->path = NULL;
    }
    else if (oci_directive_is_for_files(line->directive)) {
        inside->section = line->directive;
        inside->for_files = 1;
    }
}

static void add_lines(apr_array_header_t *lines, const ap_directive_t *first,
                      const oci_line_t *place, apr_pool_t *pool)
{
    oci_line_t line = *place;
    oci_line_t inside;

    for (; first; first = first->next) {
        line.directive = first;
        APR_ARRAY_PUSH(lines, oci_line_t) = line;
        if (first->first_child) {
            enter(&inside, &line, pool);
            add_lines(lines, first->first_child, &inside, pool);
        }
    }
}

apr_array_header_t *oci_lines_read(const ap_directive_t *tree, apr_pool_t *pool)
{
    apr_array_header_t *lines = apr_array_make(pool, 64, sizeof(oci_line_t));
    oci_line_t top = { .path = "" };

    add_lines(lines, tree, &top, pool);
    return lines;
}

int oci_line_is(const oci_line_t *line, const char *name)
{
    return !ap_cstr_casecmp(line->directive->directive, name);
}

const char *oci_line_word(const oci_line_t *line, apr_pool_t *pool)
{
    const char *args = line->directive->args;

    return ap_getword_conf(pool, &args);
}

int oci_line_sets_handler(const oci_line_t *line, const char *handler,
                          apr_pool_t *pool)
{
    return oci_line_is(line, "SetHandler")
        && !ap_cstr_casecmp(oci_line_word(line, pool), handler);
}

void oci_line_warn(const server_rec *s, const ap_directive_t *line,
                   const char *text)
{
    ap_log_error(APLOG_MARK, APLOG_WARNING, 0, s, "oci: %s line %d: %s",
                 line->filename, line->line_num, text);
}

/* Whether one path begins with the other. */
static int paths_meet(const char *path, const char *other)
{
    apr_size_t length, other_length;

    if (!path || !other) {
        return 1;
    }
    length = strlen(path);
    other_length = strlen(other);
    return !strncmp(path, other, length < other_length ? length : other_length);
}

int oci_lines_share_host(const oci_line_t *line, const oci_line_t *other)
{
    /* a virtual host inherits the sections of the main server */
    return !line->host || !other->host || line->host == other->host;
}

int oci_lines_meet(const oci_line_t *line, const oci_line_t *other)
{
    return oci_lines_share_host(line, other)
        && line->for_files == other->for_files
        && paths_meet(line->path, other->path);
}

const oci_line_t *oci_lines_find(const apr_array_header_t *lines,
                                 const char *name, const oci_line_t *other)
{
    int i;

    for (i = 0; i < lines->nelts; i++) {
        const oci_line_t *line = &APR_ARRAY_IDX(lines, i, const oci_line_t);

        if (oci_lines_meet(line, other) && oci_line_is(line, name)) {
            return line;
        }
    }
    return NULL;
}
