/* SPDX-License-Identifier: Apache-2.0 */

/* The command "gc".  It runs as the owner of the blob store, also if root calls
 * it, and works beside a running server. */

#include <stdio.h>
#include <string.h>

#include "apr_strings.h"
#include "apr_time.h"

#include "admin/collect.h"
#include "admin/interrupt.h"
#include "admin/progress.h"
#include "admin/stores.h"
#include "admin/terminal.h"
#include "gc/gc.h"
#include "values/words.h"

const char oci_gc_usage[] =
    " [--dry-run] [--json] [--quiet] [--grace SECONDS]\n"
    "    [--upload-expiry SECONDS] [--repository GLOB] [--changed]\n"
    "    [--retain RULE] [--untagged RULE] STORES\n"
    "    Collect the garbage of a registry, beside a running server.\n"
    "      --dry-run          change nothing, and print what would be done\n"
    "      --json             print the report as one line of JSON\n"
    "      --quiet            do not print progress, nor what rules delete\n"
    "      --grace SECONDS    how long a blob that no manifest names stays;\n"
    "                         otherwise OCIGCGrace of FILE, or 86400\n"
    "      --upload-expiry SECONDS\n"
    "                         how long an upload may be idle, 60 or more;\n"
    "                         otherwise OCIUploadExpiry of FILE, or 86400\n"
    "      --repository GLOB  review only repositories that match\n"
    "      --changed          review only repositories that have changed,\n"
    "                         unless the last complete run was a day ago\n"
    "      --retain RULE      as OCIRetain, in one argument; repeatable;\n"
    "                         otherwise the lines of FILE\n"
    "      --untagged RULE    as OCIUntagged, likewise\n";

#define DAY 86400

/* A shorter expiry would end uploads that are under way, in seconds. */
#define UPLOAD_EXPIRY_MIN 60

/* A run asks whether it is stopped this often before a signal is looked for. */
#define LOOK_EVERY 64

typedef struct collect_t {
    oci_gc_t gc;
    oci_gc_policy_t *policy;
    oci_stores_t stores;
    int changed;
    int json;
    int quiet;
    oci_progress_t *progress;
    apr_time_t begun;
    unsigned int looks; /* how often the run asked whether it is stopped */
    int stopped;        /* what it was told */
    apr_pool_t *pool;
} collect_t;

enum {
    OPTION_DRY_RUN = 256,
    OPTION_JSON,
    OPTION_QUIET,
    OPTION_GRACE,
    OPTION_UPLOAD_EXPIRY,
    OPTION_REPOSITORY,
    OPTION_CHANGED,
    OPTION_RETAIN,
    OPTION_UNTAGGED
};

static const apr_getopt_option_t options[] = {
    { "dry-run", OPTION_DRY_RUN, 0, NULL },
    { "json", OPTION_JSON, 0, NULL },
    { "quiet", OPTION_QUIET, 0, NULL },
    { "grace", OPTION_GRACE, 1, NULL },
    { "upload-expiry", OPTION_UPLOAD_EXPIRY, 1, NULL },
    { "repository", OPTION_REPOSITORY, 1, NULL },
    { "changed", OPTION_CHANGED, 0, NULL },
    { "retain", OPTION_RETAIN, 1, NULL },
    { "untagged", OPTION_UNTAGGED, 1, NULL },
    OCI_STORES_OPTIONS,
    { NULL, 0, 0, NULL },
};

static const char *parse_seconds(int *seconds, int minimum, const char *option,
                                 const char *value, apr_pool_t *pool)
{
    char *end;
    apr_int64_t number = apr_strtoi64(value, &end, 10);

    if (end == value || *end || number < minimum || number > APR_INT32_MAX) {
        return apr_psprintf(pool,
                            "%s: '%s' is not a number of seconds, %d to %d",
                            option, value, minimum, APR_INT32_MAX);
    }
    *seconds = (int)number;
    return NULL;
}

/* Add a rule, which is written as the arguments of OCIRetain or OCIUntagged. */
static const char *add_rule(collect_t *collect, int option, const char *value)
{
    apr_pool_t *pool = collect->pool;
    int retains = option == OPTION_RETAIN;
    apr_array_header_t *words = oci_words_split(value, pool);
    const char *error;

    error = (retains ? oci_gc_policy_retain
                     : oci_gc_policy_untagged)(collect->policy, words->nelts,
                                               (const char *const *)words->elts,
                                               pool);
    return error
        ? apr_pstrcat(pool, retains ? "--retain: " : "--untagged: ", error,
                      NULL)
        : NULL;
}

static const char *set_option(void *baton, int option, const char *value)
{
    collect_t *collect = baton;

    switch (option) {
    case OPTION_DRY_RUN:
        collect->gc.dry = 1;
        return NULL;
    case OPTION_CHANGED:
        collect->changed = 1;
        return NULL;
    case OPTION_JSON:
        collect->json = 1;
        return NULL;
    case OPTION_QUIET:
        collect->quiet = 1;
        return NULL;
    case OPTION_GRACE:
        return parse_seconds(&collect->gc.grace, 0, "--grace", value,
                             collect->pool);
    case OPTION_UPLOAD_EXPIRY:
        return parse_seconds(&collect->gc.upload_expiry, UPLOAD_EXPIRY_MIN,
                             "--upload-expiry", value, collect->pool);
    case OPTION_REPOSITORY:
        collect->gc.glob = value;
        return NULL;
    default:
        return add_rule(collect, option, value);
    }
}

static const char *parse_arguments(collect_t *collect, apr_getopt_t *arguments)
{
    const oci_stores_options_t own = {
        "gc", options,
        "--dry-run, --changed, --json, --quiet, --grace SECONDS, "
        "--upload-expiry SECONDS, --repository GLOB, --retain RULE, "
        "--untagged RULE",
        set_option, collect
    };
    const char *error = oci_stores_parse_options(&collect->stores, &own,
                                                 arguments);

    if (error) {
        return error;
    }
    return oci_stores_parse(&collect->stores, "gc",
                            arguments->argc - arguments->ind,
                            arguments->argv + arguments->ind);
}

/* Take from the configuration, or from the defaults, what no option says. */
static void complete(collect_t *collect)
{
    const oci_configured_t *configured = collect->stores.configured;
    oci_gc_policy_t *policy = collect->policy;
    oci_gc_t *gc = &collect->gc;

    if (gc->grace < 0) {
        gc->grace = configured ? configured->grace : DAY;
    }
    if (gc->upload_expiry < 0) {
        gc->upload_expiry = configured ? configured->upload_expiry : DAY;
    }
    gc->full = !gc->glob && !collect->changed;
    gc->partial = !collect->changed && !configured && !policy->retain->nelts
        && !policy->untagged->nelts;
    if (!configured) {
        return;
    }
    if (!policy->retain->nelts) {
        policy->retain = configured->policy->retain;
    }
    if (!policy->untagged->nelts) {
        policy->untagged = configured->policy->untagged;
    }
    gc->immutable = configured->immutable;
}

/* A run asks for each fact that it reads, so most calls do not look. */
static int is_stopped(void *baton)
{
    collect_t *collect = baton;

    if (!collect->stopped && !(collect->looks++ % LOOK_EVERY)) {
        collect->stopped = oci_interrupt_pending();
    }
    return collect->stopped;
}

static void report_error(void *baton, const oci_error_t *error)
{
    collect_t *collect = baton;

    oci_progress_end(collect->progress);
    fprintf(stderr, "ociadmin: skipped: %s\n",
            oci_terminal_text(oci_error_text(error, collect->pool),
                              collect->pool));
}

static void report_progress(void *baton, const oci_gc_report_t *report)
{
    collect_t *collect = baton;

    oci_progress_show(collect->progress, report->repositories, report->bytes);
}

/* Print what a rule deletes, or would delete; --json is for scripts. */
static void report_removal(void *baton, const char *repository,
                           const char *what, const char *reason)
{
    collect_t *collect = baton;

    if (!collect->json && (collect->gc.dry || !collect->quiet)) {
        oci_progress_end(collect->progress);
        printf("%s%c%s %s: %s\n", repository, strchr(what, ':') ? '@' : ':',
               what, collect->gc.dry ? "would be deleted" : "deleted", reason);
    }
}

#define COUNT APR_UINT64_T_FMT

static void print_json(const collect_t *collect, double seconds)
{
    const oci_gc_report_t *report = &collect->gc.report;

    printf("{\"dryRun\": %s, \"repositories\": %" COUNT
           ", \"condemned\": %" COUNT ", \"waiting\": %" COUNT
           ", \"collected\": %" COUNT ", \"blobs\": %" COUNT
           ", \"uploads\": %" COUNT ", \"tags\": %" COUNT
           ", \"manifests\": %" COUNT ", \"emptied\": %" COUNT
           ", \"bytes\": %" COUNT ", \"skipped\": %" COUNT
           ", \"seconds\": %.3f}\n",
           collect->gc.dry ? "true" : "false", report->repositories,
           report->condemned, report->waiting, report->collected, report->blobs,
           report->uploads, report->tags, report->manifests, report->emptied,
           report->bytes, report->skipped, seconds);
}

static void print_text(const collect_t *collect, double seconds)
{
    const oci_gc_report_t *report = &collect->gc.report;
    const char *would = collect->gc.dry ? "would be " : "";
    apr_pool_t *pool = collect->pool;

    printf("%s reviewed in %.1f s\n"
           "%s and %s %sdeleted by rules\n"
           "%s %scondemned, %" COUNT " condemned earlier and still waiting\n"
           "%s %staken out of repositories\n"
           "%s and %s %sdeleted, %s %sfreed\n"
           "%s %sremoved\n",
           oci_terminal_count(report->repositories, "repository", pool),
           seconds, oci_terminal_count(report->tags, "tag", pool),
           oci_terminal_count(report->manifests, "manifest", pool), would,
           oci_terminal_count(report->condemned, "blob", pool), would,
           report->waiting, oci_terminal_count(report->collected, "blob", pool),
           would, oci_terminal_count(report->blobs, "blob", pool),
           oci_terminal_count(report->uploads, "upload", pool), would,
           oci_progress_format_bytes(report->bytes, pool), would,
           oci_terminal_count(report->emptied, "empty repository", pool),
           would);
    if (report->skipped) {
        printf("%" COUNT " skipped, see the messages\n", report->skipped);
    }
}

static const char *run(collect_t *collect)
{
    static const oci_gc_report_t nothing;
    oci_error_t *error = oci_gc_run(&collect->gc, collect->pool);
    double seconds = (apr_time_now() - collect->begun)
        / (double)APR_USEC_PER_SEC;

    oci_progress_end(collect->progress);
    /* A run that was refused has nothing to report. */
    if (!error || memcmp(&collect->gc.report, &nothing, sizeof(nothing)) != 0) {
        (collect->json ? print_json : print_text)(collect, seconds);
    }
    if (error) {
        return oci_error_text(error, collect->pool);
    }
    if (collect->stopped) {
        return "interrupted; run the same command again to continue";
    }
    return collect->gc.report.skipped ? "not everything could be examined"
                                      : NULL;
}

oci_outcome_e oci_gc_command(const char **error, apr_getopt_t *arguments,
                             apr_pool_t *pool)
{
    collect_t collect = { .stores.pool = pool,
                          .pool = pool,
                          .begun = apr_time_now() };

    collect.gc.registry = &collect.stores.registry;
    collect.gc.policy = collect.policy = oci_gc_policy_make(pool);
    collect.gc.report_removal = report_removal;
    collect.gc.grace = collect.gc.upload_expiry = -1;
    collect.gc.is_stopped = is_stopped;
    collect.gc.report_error = report_error;
    collect.gc.report_progress = report_progress;
    collect.gc.baton = &collect;
    if ((*error = parse_arguments(&collect, arguments))) {
        return OCI_USAGE;
    }
    collect.progress = oci_progress_create(collect.quiet, pool);
    oci_progress_begin(collect.progress, "collecting");
    if (!(*error = oci_stores_open(&collect.stores))) {
        oci_interrupt_block();
        complete(&collect);
        *error = run(&collect);
    }
    return *error ? OCI_FAILED : OCI_DONE;
}
