/* SPDX-License-Identifier: Apache-2.0 */

/* Warnings about configurations that are valid, but cannot work as meant, and a
 * check that blob stores have an index. */

#include <string.h>

#include "httpd.h"
#include "http_config.h"
#include "http_core.h"
#include "http_main.h"
#include "apr_strings.h"

#include "httpd/config.h"
#include "httpd/config_check.h"
#include "httpd/config_lines.h"
#include "httpd/context.h"
#include "httpd/guards.h"
#include "httpd/require_check.h"
#include "httpd/token_check.h"
#include "store/dbd/dbd_index.h"

/* Whether a store may serve all paths of a registry. */
static int covers(const oci_line_t *store, const oci_line_t *handler)
{
    const char *path = handler->path;

    if (!oci_lines_meet(store, handler) || !store->path || !path) {
        return oci_lines_meet(store, handler);
    }
    if ((!*path || *path == '/') && strlen(path) < strlen("/v2/")) {
        path = "/v2/";
    }
    return !strncmp(store->path, path, strlen(store->path));
}

/* Warn of a registry that can only answer 503, because no OCIBlobStore applies
 * to its paths. */
static void check_store(const server_rec *s, const oci_line_t *handler,
                        const apr_array_header_t *lines)
{
    int i;

    for (i = 0; i < lines->nelts; i++) {
        const oci_line_t *line = &APR_ARRAY_IDX(lines, i, oci_line_t);

        if (oci_line_is(line, "OCIBlobStore") && covers(line, handler)) {
            return;
        }
    }
    oci_line_warn(s, handler->directive,
                  "this registry answers 503, because it has no OCIBlobStore; "
                  "add OCIBlobStore to its section");
}

static int is_ours(const oci_line_t *line)
{
    return !ap_cstr_casecmpn(line->directive->directive, "OCI", 3)
        && line->directive->directive[3] != '\0'
        && ap_find_command(line->directive->directive, oci_directives);
}

static int sets_our_handler(const oci_line_t *line, apr_pool_t *pool)
{
    return oci_line_sets_handler(line, OCI_HANDLER, pool)
        || oci_line_sets_handler(line, OCI_TOKEN_HANDLER, pool);
}

/* Whether a line sets a handler that needs no store in its section. */
static int sets_page_handler(const oci_line_t *line, apr_pool_t *pool)
{
    return oci_line_sets_handler(line, OCI_PAGE_HANDLER, pool)
        || oci_line_sets_handler(line, OCI_METRICS_HANDLER, pool)
        || oci_line_sets_handler(line, OCI_HEALTH_HANDLER, pool);
}

/* Whether a line sets a handler whose name looks like ours. */
static int sets_unknown_handler(const oci_line_t *line, apr_pool_t *pool)
{
    const char *handler = oci_line_word(line, pool);

    return oci_line_is(line, "SetHandler")
        && !ap_cstr_casecmpn(handler, "oci-", 4) && !ap_strchr_c(handler, '%')
        && !sets_our_handler(line, pool) && !sets_page_handler(line, pool);
}

/* Whether a line may make the paths of another one ours.  Only SetHandler can:
 * see handler_of in context.c. */
static int may_set_handler(const oci_line_t *line, const oci_line_t *other,
                           apr_pool_t *pool)
{
    return oci_lines_meet(line, other)
        && (sets_our_handler(line, pool) || sets_unknown_handler(line, pool)
            || (oci_line_is(line, "SetHandler")
                && ap_strchr_c(line->directive->args, '%')));
}

static int has_handler(const oci_line_t *other, const apr_array_header_t *lines,
                       apr_pool_t *pool)
{
    int i;

    for (i = 0; i < lines->nelts; i++) {
        if (may_set_handler(&APR_ARRAY_IDX(lines, i, oci_line_t), other,
                            pool)) {
            return 1;
        }
    }
    return 0;
}

/* Warn of our directive in a section without our handler. */
static void check_handler(const server_rec *s, const oci_line_t *line,
                          const apr_array_header_t *lines, apr_pool_t *pool)
{
    const oci_line_t *other = oci_lines_find(lines, "SetHandler", line);

    if (!has_handler(line, lines, pool)) {
        oci_line_warn(
            s, line->directive,
            apr_psprintf(pool,
                         "%s has no effect, because its section has %s; add "
                         "\"SetHandler " OCI_HANDLER "\"",
                         line->directive->directive,
                         other ? apr_psprintf(pool, "the handler \"%s\"",
                                              oci_line_word(other, pool))
                               : "no SetHandler"));
    }
}

/* Warn of a registry at a path where no client looks for it. */
static void check_path(const server_rec *s, const oci_line_t *line,
                       apr_pool_t *pool)
{
    const char *path = line->path;

    if (path && *path && strcmp(path, "/") && strcmp(path, "/v2")
        && strncmp(path, "/v2/", 4)) {
        oci_line_warn(
            s, line->directive,
            apr_psprintf(pool,
                         "no client can use the registry at %s, because all "
                         "paths of a registry begin with /v2/; use <Location "
                         "\"/v2/\">",
                         path));
    }
}

/* Warn of a directive of garbage collection that is in a section without a blob
 * store: it is read where the blob store is. */
static void check_collection(const server_rec *s, const oci_line_t *line,
                             const apr_array_header_t *lines, apr_pool_t *pool)
{
    static const char *const names[] = { "OCIGCInterval",   "OCIGCGrace",
                                         "OCIUploadExpiry", "OCIRetain",
                                         "OCIUntagged",     NULL };
    int i;

    if (!line->section || !oci_directive_is_one_of(line->directive, names)) {
        return;
    }
    for (i = 0; i < lines->nelts; i++) {
        const oci_line_t *other = &APR_ARRAY_IDX(lines, i, oci_line_t);

        if (other->section == line->section
            && oci_line_is(other, "OCIBlobStore")) {
            return;
        }
    }
    oci_line_warn(s, line->directive,
                  apr_pstrcat(pool, line->directive->directive,
                              " has no effect in a section without "
                              "OCIBlobStore; write it beside OCIBlobStore, or "
                              "outside of all sections",
                              NULL));
}

/* Check the first of our lines in a section for files or paths. */
static void check_section(const server_rec *s, const oci_line_t *line,
                          const apr_array_header_t *lines, apr_pool_t *pool)
{
    if (line->for_files) {
        oci_line_warn(
            s, line->directive,
            apr_psprintf(pool,
                         "%s has no effect in a %s> section, because the "
                         "paths of a registry are not files; use <Location "
                         "\"/v2/\">",
                         line->directive->directive, line->section->directive));
    }
    else if (is_ours(line)) {
        check_handler(s, line, lines, pool);
    }
}

/* The stores that the requests of a section use. */
typedef struct store_pair_t {
    const oci_blob_store_t *blobs;
    const oci_index_t *index;
    const char *place; /* of the index; NULL if it is not certain */
    const ap_directive_t *line;
} store_pair_t;

/* Whether a directive of another section may replace the default index, or
 * refuse all changes. */
static int may_be_changed(const oci_config_t *config, const oci_line_t *line,
                          const apr_array_header_t *lines)
{
    return oci_lines_find(lines, "OCIReadOnly", line)
        || (!config->index && oci_lines_find(lines, "OCIIndex", line));
}

/* Add the stores of a server's section if it can change them.
 * @param lines The configuration */
static void add_pair(apr_array_header_t *pairs, const server_rec *s,
                     const oci_config_t *config,
                     const apr_array_header_t *lines)
{
    store_pair_t *pair;
    int i;

    for (i = 0; config->blobs && i < lines->nelts; i++) {
        const oci_line_t *line = &APR_ARRAY_IDX(lines, i, oci_line_t);

        if (line->directive == config->blobs_line->directive
            && !may_be_changed(config, line, lines)) {
            pair = apr_array_push(pairs);
            pair->blobs = config->blobs;
            pair->index = oci_config_index(
                oci_config_inherit(config, s, pairs->pool));
            pair->place = pair->index
                ? oci_index_dbd_place(pair->index, pairs->pool)
                : NULL;
            pair->line = line->directive;
            return;
        }
    }
}

/* Whether an OCIIndex in another section may apply where a line does.  The line
 * of a macro is not in the tree of lines: then it is not certain. */
static int may_have_index(const ap_directive_t *directive, apr_pool_t *pool)
{
    const apr_array_header_t *lines = oci_lines_read(ap_conftree, pool);
    int i;

    for (i = 0; i < lines->nelts; i++) {
        const oci_line_t *line = &APR_ARRAY_IDX(lines, i, oci_line_t);

        if (line->directive == directive) {
            return oci_lines_find(lines, "OCIIndex", line) != NULL;
        }
    }
    return 1;
}

const char *oci_config_check_index(const ap_directive_t **line,
                                   const server_rec *main_server,
                                   apr_pool_t *pool)
{
    const server_rec *s;
    int i;

    for (s = main_server; s; s = s->next) {
        const apr_array_header_t *sections = oci_config_of_server(s)->sections;

        for (i = 0; i < sections->nelts; i++) {
            const oci_config_t *config = APR_ARRAY_IDX(sections, i,
                                                       oci_config_t *);

            if (config->blobs
                && !oci_config_index(oci_config_inherit(config, s, pool))
                && !may_have_index(config->blobs_line->directive, pool)) {
                *line = config->blobs_line->directive;
                return apr_psprintf(pool,
                                    "OCIBlobStore: the blob store %s has no "
                                    "index: add OCIIndex to its section, for "
                                    "example \"OCIIndex fs DIRECTORY\"; "
                                    "several httpds need \"dbd\"",
                                    config->blobs->where);
            }
        }
    }
    return NULL;
}

int oci_places_differ(const char *where, const char *other, apr_pool_t *pool)
{
    apr_finfo_t left, right;
    apr_int32_t wanted = APR_FINFO_DEV | APR_FINFO_INODE;

    if (!strcmp(where, other)) {
        return 0;
    }
    return *where != '/' || *other != '/'
        || apr_stat(&left, where, wanted, pool) != APR_SUCCESS
        || apr_stat(&right, other, wanted, pool) != APR_SUCCESS
        || left.inode != right.inode || left.device != right.device;
}

/* Whether two indexes are different for certain. */
static int indexes_differ(const store_pair_t *pair, const store_pair_t *other,
                          apr_pool_t *pool)
{
    return pair->place && other->place
        ? oci_places_differ(pair->place, other->place, pool)
        : pair->index->provider != other->index->provider;
}

static const char *name_of_index(const store_pair_t *pair)
{
    return pair->place ? pair->place : pair->index->where;
}

static void warn_of_pair(const server_rec *s, const store_pair_t *pair,
                         const store_pair_t *other, apr_pool_t *pool)
{
    oci_line_warn(s, pair->line,
                  apr_psprintf(pool,
                               "the blob store %s has the index %s here and "
                               "the index %s at %s line %d, so clients see "
                               "different content at each, and no garbage is "
                               "collected; use one index, or two blob stores",
                               pair->blobs->where, name_of_index(pair),
                               name_of_index(other), other->line->filename,
                               other->line->line_num));
}

/* Warn of two indexes that use one blob store: what is pushed to one registry
 * is missing in the other. */
static void check_pairs(const server_rec *main_server,
                        const apr_array_header_t *lines, apr_pool_t *pool)
{
    apr_array_header_t *pairs = apr_array_make(pool, 4, sizeof(store_pair_t));
    const server_rec *s;
    int i, j;

    for (s = main_server; s; s = s->next) {
        const apr_array_header_t *sections = oci_config_of_server(s)->sections;

        for (i = 0; i < sections->nelts; i++) {
            add_pair(pairs, s, APR_ARRAY_IDX(sections, i, oci_config_t *),
                     lines);
        }
    }
    for (i = 1; i < pairs->nelts; i++) {
        const store_pair_t *pair = &APR_ARRAY_IDX(pairs, i, store_pair_t);

        for (j = 0; j < i; j++) {
            const store_pair_t *other = &APR_ARRAY_IDX(pairs, j, store_pair_t);

            if (pair->index && other->index
                && !oci_places_differ(pair->blobs->where, other->blobs->where,
                                      pool)
                && indexes_differ(pair, other, pool)) {
                warn_of_pair(main_server, pair, other, pool);
                break;
            }
        }
    }
}

void oci_config_check(const server_rec *main_server, apr_pool_t *pool)
{
    const apr_array_header_t *lines = oci_lines_read(ap_conftree, pool);
    const ap_directive_t *checked = NULL;
    int i;

    for (i = 0; i < lines->nelts; i++) {
        const oci_line_t *line = &APR_ARRAY_IDX(lines, i, oci_line_t);

        if (line->section && line->section != checked
            && (is_ours(line) || sets_our_handler(line, pool))) {
            check_section(main_server, line, lines, pool);
            checked = line->section;
        }
        check_collection(main_server, line, lines, pool);
        if (sets_unknown_handler(line, pool)) {
            oci_line_warn(
                main_server, line->directive,
                apr_psprintf(pool,
                             "unknown handler \"%s\"; write " OCI_HANDLER
                             ", " OCI_TOKEN_HANDLER ", " OCI_PAGE_HANDLER
                             ", " OCI_METRICS_HANDLER " or " OCI_HEALTH_HANDLER,
                             oci_line_word(line, pool)));
        }
        if (oci_line_sets_handler(line, OCI_HANDLER, pool)) {
            check_store(main_server, line, lines);
            check_path(main_server, line, pool);
        }
    }
    check_pairs(main_server, lines, pool);
    oci_require_check_lines(main_server, lines, pool);
    oci_token_check_lines(main_server, lines);
}
