/* SPDX-License-Identifier: Apache-2.0 */

/* The command "import".  It runs as the owner of the blob store, also if root
 * calls it, and works beside a running server. */

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "apr_lib.h"
#include "apr_strings.h"
#include "apr_time.h"

#include "admin/import/import.h"
#include "admin/import/import_repositories.h"
#include "admin/import/import_tree.h"
#include "admin/interrupt.h"
#include "admin/layout/layout_import.h"
#include "admin/reference.h"
#include "admin/stores.h"
#include "admin/terminal.h"
#include "registry/pairing.h"
#include "store/io.h"

const char oci_import_usage[] =
    " [--sparse] [--json] [--quiet] DIR|FILE.tar [NAME[:TAG]] STORES\n"
    "ociadmin import --from-registry DIR [--json] [--quiet] STORES\n"
    "    Import the images of an OCI image layout, a directory or a tar\n"
    "    archive, into the repository NAME, or those that the layout names.\n"
    "    TAG is for a layout with a single image.  With --from-registry,\n"
    "    import the content of a distribution registry (registry:2).  httpd\n"
    "    may run.  To continue an import, or to import what has changed, run\n"
    "    the same command again.\n"
    "      --sparse             import an index although some of its\n"
    "                           manifests are missing\n"
    "      --from-registry DIR  the rootdirectory of the other registry's\n"
    "                           filesystem driver; nothing in it is changed\n"
    "      --json               print the report as one line of JSON\n"
    "      --quiet              do not print progress\n";

/* The command line and the run. */
typedef struct import_command_t {
    oci_import_t import;
    oci_import_tree_t tree;
    oci_stores_t stores;
    const char *directory; /* of --from-registry, or NULL */
    const char *path;      /* of a layout, or NULL */
    oci_layout_t *layout;
    oci_layout_target_t target;
    int sparse;
    int json;
    int quiet;
    apr_time_t begun;
    apr_pool_t *pool;
} import_command_t;

enum { OPTION_FROM_REGISTRY = 256, OPTION_SPARSE, OPTION_JSON, OPTION_QUIET };

static const apr_getopt_option_t options[] = {
    { "from-registry", OPTION_FROM_REGISTRY, 1, NULL },
    { "sparse", OPTION_SPARSE, 0, NULL },
    { "json", OPTION_JSON, 0, NULL },
    { "quiet", OPTION_QUIET, 0, NULL },
    OCI_STORES_OPTIONS,
    { NULL, 0, 0, NULL },
};

static const char *set_option(void *baton, int option, const char *value)
{
    import_command_t *self = baton;

    switch (option) {
    case OPTION_FROM_REGISTRY:
        self->directory = value;
        return NULL;
    case OPTION_SPARSE:
        self->sparse = 1;
        return NULL;
    case OPTION_JSON:
        self->json = 1;
        return NULL;
    default:
        self->quiet = 1;
        return NULL;
    }
}

/* Take the arguments that are not options: a layout, and a name. */
static const char *parse_layout(import_command_t *self, int count,
                                const char *const *last)
{
    oci_reference_t reference;
    const char *error = NULL;

    if (count < 1 || count > 2) {
        return "import expects an image layout, DIR or FILE.tar, and perhaps "
               "the name of a repository; write the stores after --store and "
               "--index";
    }
    self->path = last[0];
    if (count == 2) {
        error = oci_reference_parse(&reference, &self->stores.registry, last[1],
                                    self->pool);
        if (!error && reference.digest) {
            error = "import expects a name without a digest, such as team/app "
                    "or team/app:v1";
        }
        self->target.name = reference.repository.name;
        self->target.tag = reference.tag;
    }
    return error ? error : oci_stores_parse(&self->stores, "import", 0, NULL);
}

static const char *parse_arguments(import_command_t *self,
                                   apr_getopt_t *arguments)
{
    const oci_stores_options_t own = { "import", options,
                                       "--from-registry DIR, --sparse, --json, "
                                       "--quiet",
                                       set_option, self };
    const char *error = oci_stores_parse_options(&self->stores, &own,
                                                 arguments);

    if (error) {
        return error;
    }
    if (!self->directory) {
        return parse_layout(self, arguments->argc - arguments->ind,
                            arguments->argv + arguments->ind);
    }
    if (self->sparse) {
        return "--sparse is for an image layout: --from-registry always "
               "imports an index that lacks manifests";
    }
    return oci_stores_parse(&self->stores, "import",
                            arguments->argc - arguments->ind,
                            arguments->argv + arguments->ind);
}

/* Print a line.  Names of files, and of members of a manifest, may have control
 * characters, which a terminal would obey: some of them are not ASCII. */
static void print_line(oci_import_t *import, const char *begin,
                       const char *format, va_list values)
{
    char line[LINE_MAX];
    char *c;

    vsnprintf(line, sizeof(line), format, values);
    for (c = line; *c; c++) {
        if (apr_iscntrl(*c) || !apr_isascii(*c)) {
            *c = '?';
        }
    }
    oci_progress_end(import->progress);
    fprintf(stderr, "%s%s\n", begin, line);
}

void oci_import_skip(oci_import_t *import, const char *format, ...)
{
    va_list values;

    va_start(values, format);
    print_line(import, "ociadmin: skipped: ", format, values);
    va_end(values);
    import->report.skipped++;
}

void oci_import_note(oci_import_t *import, const char *format, ...)
{
    va_list values;

    va_start(values, format);
    print_line(import, "ociadmin: ", format, values);
    va_end(values);
}

void oci_import_progress(const oci_import_t *import)
{
    const oci_import_report_t *report = &import->report;

    oci_progress_show(import->progress,
                      report->blobs + report->manifests + report->present,
                      report->bytes);
}

#define COUNT APR_UINT64_T_FMT

static void print_json(const import_command_t *self, double seconds)
{
    const oci_import_report_t *report = &self->import.report;

    printf("{\"repositories\": %" COUNT ", \"tags\": %" COUNT
           ", \"manifests\": %" COUNT ", \"blobs\": %" COUNT
           ", \"bytes\": %" COUNT ", \"linked\": %" COUNT
           ", \"cloned\": %" COUNT ", \"copied\": %" COUNT
           ", \"present\": %" COUNT ", \"gone\": %" COUNT ", \"kept\": %" COUNT
           ", \"skipped\": %" COUNT ", \"seconds\": %.3f}\n",
           report->repositories, report->tags, report->manifests, report->blobs,
           report->bytes, report->linked, report->cloned, report->copied,
           report->present, report->gone, report->kept, report->skipped,
           seconds);
}

static void print_text(const import_command_t *self, double seconds)
{
    const oci_import_report_t *report = &self->import.report;
    apr_pool_t *pool = self->pool;

    printf("%s read in %.1f s\n"
           "%s set, %s and %s imported\n"
           "%s in blobs: %" COUNT " linked, %" COUNT " cloned, %" COUNT
           " copied\n"
           "%" COUNT " tags, manifests and layers were there already\n",
           oci_terminal_count(report->repositories, "repository", pool),
           seconds, oci_terminal_count(report->tags, "tag", pool),
           oci_terminal_count(report->manifests, "manifest", pool),
           oci_terminal_count(report->blobs, "blob", pool),
           oci_progress_format_bytes(report->bytes, pool), report->linked,
           report->cloned, report->copied, report->present);
    if (report->foreign) {
        printf("%s copied because of the owner or the mode of the file: root "
               "can link files\nthat only root or the owner of the blob store "
               "can write\n",
               oci_terminal_count(report->foreign, "blob", pool));
    }
    if (report->gone) {
        printf("%s to layers without bytes, as garbage collection there may "
               "leave them\n",
               oci_terminal_count(report->gone, "link", pool));
    }
    if (report->kept) {
        printf("%s kept because of a push to this registry\n",
               oci_terminal_count(report->kept, "tag", pool));
    }
    if (report->skipped) {
        printf("%" COUNT " skipped, see the messages\n", report->skipped);
    }
}

/* Prepare the stores for the content. */
static const char *prepare(import_command_t *self)
{
    const char *error = self->directory ? oci_import_tree_enter(&self->tree)
                                        : oci_layout_check(self->layout);
    oci_error_t *refused;
    apr_status_t rv;

    if (error) {
        return error;
    }
    refused = oci_pairing_check(&self->stores.registry, 1, self->pool);
    if (refused) {
        return oci_error_text(refused, self->pool);
    }
    rv = oci_fs_adopter_open(&self->import.adopter, self->stores.registry.blobs,
                             self->pool);
    return rv == APR_SUCCESS
        ? NULL
        : oci_io_failure("use",
                         apr_pstrcat(self->pool,
                                     self->stores.registry.blobs->where,
                                     "/uploads", NULL),
                         rv, self->pool);
}

static const char *run(import_command_t *self)
{
    const char *problem = prepare(self);
    oci_error_t *error;

    if (problem) {
        return problem;
    }
    error = self->directory
        ? oci_import_repositories(&self->import, self->pool)
        : oci_layout_import(&problem, &self->import, &self->target, self->pool);
    if (problem) {
        return problem;
    }
    oci_progress_end(self->import.progress);
    (self->json ? print_json : print_text)(self,
                                           (apr_time_now() - self->begun)
                                               / (double)APR_USEC_PER_SEC);
    if (error) {
        return oci_error_text(error, self->pool);
    }
    if (oci_interrupt_pending()) {
        return "interrupted; run the same command again to continue";
    }
    return self->import.report.skipped ? "not everything could be imported"
                                       : NULL;
}

/* Open what is imported with the rights of the caller. */
static const char *open_source(import_command_t *self)
{
    const char *error;

    if (self->directory) {
        self->import.open = oci_import_tree_file;
        self->import.source = &self->tree;
        return oci_import_tree_open(&self->tree, self->directory);
    }
    error = oci_layout_open(&self->layout, self->path, self->pool);
    self->import.open = oci_layout_file;
    self->import.source = self->layout;
    self->import.moves_tags = 1;
    self->import.takes_sparse = self->sparse;
    return error;
}

oci_outcome_e oci_import_command(const char **error, apr_getopt_t *arguments,
                                 apr_pool_t *pool)
{
    import_command_t self = { .stores.pool = pool,
                              .tree.pool = pool,
                              .pool = pool,
                              .begun = apr_time_now() };

    if ((*error = parse_arguments(&self, arguments))) {
        return OCI_USAGE;
    }
    self.import.registry = &self.stores.registry;
    self.import.progress = oci_progress_create(self.quiet, pool);
    oci_progress_begin(self.import.progress, "importing");
    oci_progress_count(self.import.progress, "items");
    *error = open_source(&self);
    if (!*error) {
        *error = oci_stores_open(&self.stores);
    }
    if (!*error) {
        oci_interrupt_block();
        /* what the other registry accepted with parts missing stays usable */
        self.stores.registry.sparse = self.directory || self.sparse
            ? OCI_SPARSE_INDEX
            : OCI_SPARSE_NONE;
        *error = run(&self);
    }
    return *error ? OCI_FAILED : OCI_DONE;
}
