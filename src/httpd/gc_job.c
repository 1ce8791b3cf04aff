/* SPDX-License-Identifier: Apache-2.0 */

/* Garbage collection in the server.  mod_watchdog calls it in a thread of one
 * child process, at the intervals that the configuration says. */

#include <string.h>

#include "httpd.h"
#include "http_config.h"
#include "http_log.h"
#include "ap_mpm.h"
#include "apr_optional.h"
#include "apr_strings.h"
#include "mod_watchdog.h"

#include "gc/gc.h"
#include "httpd/config.h"
#include "httpd/config_check.h"
#include "httpd/config_lines.h"
#include "httpd/gc_job.h"
#include "httpd/metrics.h"
#include "store/dbd/dbd_index.h"
#include "values/fingerprint.h"

APLOG_USE_MODULE(oci);

#define WATCHDOG "_oci_gc_"

/* How many lines a run logs at most on what it skips: if the disk is full, it
 * may skip everything. */
#define MAX_SKIPPED 10

/* The garbage collection of one registry. */
typedef struct job_t {
    const server_rec *server;
    const oci_config_t *config; /* with what it inherits */
    int shared;  /* another section has the blob store, and another index */
    int skipped; /* by the run that is under way */
    int runs;    /* of this process */
    oci_metrics_size_t *size; /* shared; NULL if nothing is counted */
} job_t;

static int is_stopped(void *baton)
{
    int state;

    (void)baton;
    return ap_mpm_query(AP_MPMQ_MPM_STATE, &state) == APR_SUCCESS
        && state == AP_MPMQ_STOPPING;
}

static void report_error(void *baton, const oci_error_t *error)
{
    job_t *job = baton;
    int level = job->skipped < MAX_SKIPPED ? APLOG_WARNING : APLOG_DEBUG;

    job->skipped++;
    ap_log_error(APLOG_MARK, level, error->status, job->server,
                 "oci: garbage collection skips: %s",
                 error->note ? error->note : error->message);
}

/* Who deleted a tag?  The log says it. */
static void report_removal(void *baton, const char *repository,
                           const char *what, const char *reason)
{
    const job_t *job = baton;

    ap_log_error(APLOG_MARK, APLOG_INFO, 0, job->server,
                 "oci: garbage collection deletes %s%c%s: %s", repository,
                 strchr(what, ':') ? '@' : ':', what, reason);
}

/* One line for each run; a run that did nothing is less important. */
static void log_report(const job_t *job, const oci_gc_t *gc, apr_time_t begun)
{
    const oci_gc_report_t *report = &gc->report;
    int idle = !report->condemned && !report->collected && !report->blobs
        && !report->uploads && !report->emptied && !report->tags
        && !report->manifests;

    ap_log_error(APLOG_MARK, idle ? APLOG_INFO : APLOG_NOTICE, 0, job->server,
                 "oci: garbage collection of %s: %" APR_UINT64_T_FMT
                 " repositories reviewed, %" APR_UINT64_T_FMT
                 " tags and %" APR_UINT64_T_FMT
                 " manifests deleted by rules, %" APR_UINT64_T_FMT
                 " blobs condemned, %" APR_UINT64_T_FMT
                 " collected, %" APR_UINT64_T_FMT
                 " uploads ended, %" APR_UINT64_T_FMT " bytes freed, %.1f s",
                 gc->registry->blobs->where, report->repositories, report->tags,
                 report->manifests, report->condemned, report->collected,
                 report->uploads, report->bytes,
                 (apr_time_now() - begun) / (double)APR_USEC_PER_SEC);
}

/* Set what a full run found. */
static void count_sizes(oci_metrics_size_t *size, const oci_gc_report_t *report)
{
    oci_metrics_set(&size->repositories,
                    report->repositories - report->emptied);
    oci_metrics_set(&size->blobs, report->stored);
    oci_metrics_set(&size->uploads, report->pending - report->uploads);
    oci_metrics_set(&size->counted, apr_time_sec(apr_time_now()));
}

static void count_run(const job_t *job, const oci_gc_t *gc, apr_time_t begun,
                      int failed)
{
    const oci_gc_report_t *report = &gc->report;

    if (gc->busy) {
        return;
    }
    oci_metrics_add(OCI_METRIC_GC_RUNS, 1);
    oci_metrics_add(OCI_METRIC_GC_FAILURES, failed);
    oci_metrics_add(OCI_METRIC_GC_MICROSECONDS, apr_time_now() - begun);
    oci_metrics_add(OCI_METRIC_GC_CONDEMNED, report->condemned);
    oci_metrics_add(OCI_METRIC_GC_COLLECTED, report->collected);
    oci_metrics_add(OCI_METRIC_GC_BLOBS, report->blobs);
    oci_metrics_add(OCI_METRIC_GC_TAGS, report->tags);
    oci_metrics_add(OCI_METRIC_GC_MANIFESTS, report->manifests);
    oci_metrics_add(OCI_METRIC_GC_BYTES, report->bytes);
    oci_metrics_add(OCI_METRIC_UPLOADS_ABANDONED, report->uploads);
    if (!failed && !is_stopped(NULL) && oci_metrics_get()) {
        oci_metrics_set(&oci_metrics_get()->gc_last,
                        apr_time_sec(apr_time_now()));
        if (gc->full && job->size) {
            count_sizes(job->size, report);
        }
    }
}

static void run(job_t *job, apr_pool_t *pool)
{
    oci_registry_t registry;
    oci_gc_t gc = { .registry = &registry,
                    .grace = oci_config_gc_grace(job->config),
                    .upload_expiry = oci_config_upload_expiry(job->config),
                    .policy = job->config->gc_policy,
                    .immutable = job->config->immutable,
                    .full = !job->runs++, /* the rules may be new */
                    .gentle = 1,
                    .is_stopped = is_stopped,
                    .report_error = report_error,
                    .report_removal = report_removal,
                    .baton = job };
    apr_time_t begun = apr_time_now();
    oci_error_t *error;

    job->skipped = 0;
    oci_config_set_registry(&registry, job->config);
    oci_event_log_attach(&registry, job->config->event_log, NULL, job->server,
                         pool);
    error = oci_gc_run(&gc, pool);
    count_run(job, &gc, begun, error && !is_stopped(NULL));
    if (gc.busy && gc.full) {
        job->runs = 0;
    }
    if (job->skipped > MAX_SKIPPED) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, job->server,
                     "oci: garbage collection of %s: %d more skipped; LogLevel "
                     "oci:debug shows all",
                     registry.blobs->where, job->skipped - MAX_SKIPPED);
    }
    if (error && !is_stopped(NULL)) {
        ap_log_error(APLOG_MARK, gc.busy ? APLOG_INFO : APLOG_WARNING,
                     error->status, job->server,
                     "oci: garbage collection of %s: %s", registry.blobs->where,
                     error->note ? error->note : error->message);
    }
    else {
        log_report(job, &gc, begun);
    }
}

static apr_status_t call(int state, void *job_, apr_pool_t *parent)
{
    job_t *job = job_;
    apr_pool_t *pool;

    if (state != AP_WATCHDOG_STATE_RUNNING || is_stopped(NULL)
        || oci_config_problem(job->config)) {
        return APR_SUCCESS;
    }
    if (apr_pool_create(&pool, parent) == APR_SUCCESS) {
        run(job, pool);
        apr_pool_destroy(pool);
    }
    return APR_SUCCESS;
}

/* Whether two indexes are the same for certain. */
static int is_same_index(const oci_index_t *index, const oci_index_t *other,
                         apr_pool_t *pool)
{
    const char *place, *other_place;

    if (index == other) {
        return 1;
    }
    if (index->provider != other->provider
        || oci_places_differ(index->where, other->where, pool)) {
        return 0;
    }
    if (*index->where == '/') {
        return 1;
    }
    place = oci_index_dbd_place(index, pool);
    other_place = oci_index_dbd_place(other, pool);
    return place && other_place && !strcmp(place, other_place);
}

/* Return a directive of a section that differs from that of the section that
 * counts, or NULL. */
static const char *find_ignored(const oci_config_t *config,
                                const oci_config_t *counts)
{
    if (config->gc_interval >= 0
        && config->gc_interval != oci_config_gc_interval(counts)) {
        return "OCIGCInterval";
    }
    if (config->gc_grace >= 0
        && config->gc_grace != oci_config_gc_grace(counts)) {
        return "OCIGCGrace";
    }
    if (config->upload_expiry >= 0
        && config->upload_expiry != oci_config_upload_expiry(counts)) {
        return "OCIUploadExpiry";
    }
    return config->gc_policy
            && (!counts->gc_policy
                || !oci_gc_policy_is_same(config->gc_policy, counts->gc_policy))
        ? "OCIRetain or OCIUntagged"
        : NULL;
}

static void warn_of_ignored(const server_rec *s, const oci_config_t *config,
                            const oci_config_t *counts, apr_pool_t *pool)
{
    const char *name = find_ignored(config, counts);
    const ap_directive_t *line = counts->blobs_line->directive;

    if (name) {
        oci_line_warn(s, config->blobs_line->directive,
                      apr_psprintf(pool,
                                   "%s has no effect here: garbage collection "
                                   "of %s uses the section at %s line %d; "
                                   "write the same in both",
                                   name, config->blobs->where, line->filename,
                                   line->line_num));
    }
}

/* Whether a job is that of a section's blob store. */
static int has_blobs(const job_t *job, const oci_config_t *config,
                     apr_pool_t *pool)
{
    return !oci_places_differ(job->config->blobs->where, config->blobs->where,
                              pool);
}

static int has_index(const job_t *job, const oci_config_t *config,
                     apr_pool_t *pool)
{
    return is_same_index(oci_config_index(job->config),
                         oci_config_index(config), pool);
}

static void set_section(job_t *job, const server_rec *s,
                        const oci_config_t *config)
{
    job->server = s;
    job->config = config;
}

/* Add the job of a section, unless the list has it.  The first section counts,
 * or if it is read-only, the first one that is not.  Two indexes of one blob
 * store know nothing of each other's blobs, so that neither is collected. */
static void add_job(apr_array_header_t *jobs, server_rec *s,
                    const oci_config_t *section)
{
    const oci_config_t *config = oci_config_inherit(section, s, jobs->pool);
    job_t *job;
    int shared = 0;
    int i;

    if (!config->blobs || !oci_config_index(config)) {
        return;
    }
    for (i = 0; i < jobs->nelts; i++) {
        job = APR_ARRAY_IDX(jobs, i, job_t *);
        if (!has_blobs(job, config, jobs->pool)) {
            continue;
        }
        if (has_index(job, config, jobs->pool)) {
            if (job->config->read_only == 1) {
                set_section(job, s, config);
            }
            warn_of_ignored(s, config, job->config, jobs->pool);
            return;
        }
        job->shared = shared = 1;
    }
    job = apr_pcalloc(jobs->pool, sizeof(*job));
    set_section(job, s, config);
    job->shared = shared;
    APR_ARRAY_PUSH(jobs, job_t *) = job;
}

static void add_jobs_of(apr_array_header_t *jobs, server_rec *s)
{
    const apr_array_header_t *sections = oci_config_of_server(s)->sections;
    int i;

    for (i = 0; i < sections->nelts; i++) {
        add_job(jobs, s, APR_ARRAY_IDX(sections, i, oci_config_t *));
    }
}

/* httpd lists the virtual hosts from the last one to the first. */
static apr_array_header_t *find_jobs(apr_pool_t *pool, server_rec *main_server)
{
    apr_array_header_t *jobs = apr_array_make(pool, 2, sizeof(job_t *));
    apr_array_header_t *hosts = apr_array_make(pool, 4, sizeof(server_rec *));
    server_rec *s, **host;

    for (s = main_server->next; s; s = s->next) {
        APR_ARRAY_PUSH(hosts, server_rec *) = s;
    }
    add_jobs_of(jobs, main_server);
    while ((host = apr_array_pop(hosts))) {
        add_jobs_of(jobs, *host);
    }
    return jobs;
}

const oci_config_t *oci_gc_job_section(const oci_config_t *config,
                                       server_rec *main_server,
                                       apr_pool_t *pool)
{
    const apr_array_header_t *jobs = find_jobs(pool, main_server);
    int i;

    for (i = 0; i < jobs->nelts && oci_config_index(config); i++) {
        const job_t *job = APR_ARRAY_IDX(jobs, i, job_t *);

        if (has_blobs(job, config, pool) && has_index(job, config, pool)) {
            return job->config;
        }
    }
    return config;
}

/* Find the watchdog's thread; NULL if the server has none. */
static ap_watchdog_t *find_watchdog(apr_pool_t *pool)
{
    APR_OPTIONAL_FN_TYPE(ap_watchdog_get_instance)
    *get = APR_RETRIEVE_OPTIONAL_FN(ap_watchdog_get_instance);
    ap_watchdog_t *watchdog;

    return get && get(&watchdog, WATCHDOG, 0, 1, pool) == APR_SUCCESS ? watchdog
                                                                      : NULL;
}

static void register_job(ap_watchdog_t *watchdog, const job_t *job)
{
    APR_OPTIONAL_FN_TYPE(ap_watchdog_register_callback)
    *add = APR_RETRIEVE_OPTIONAL_FN(ap_watchdog_register_callback);
    apr_status_t rv = add(watchdog,
                          apr_time_from_sec(
                              oci_config_gc_interval(job->config)),
                          job, call);

    if (rv != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_ERR, rv, job->server,
                     "oci: cannot start the garbage collection of %s",
                     job->config->blobs->where);
    }
}

/* Whether a rule asks for the time of pulls. */
static int uses_pulls(const oci_gc_policy_t *policy)
{
    int i;

    for (i = 0; policy && i < policy->retain->nelts; i++) {
        if (APR_ARRAY_IDX(policy->retain, i, oci_retain_t).pulled >= 0) {
            return 1;
        }
    }
    return 0;
}

/* Give each job a part of the shared memory.  It is kept by a reload that
 * leaves the registry in its place. */
static void share_sizes(const apr_array_header_t *jobs)
{
    oci_metrics_t *metrics = oci_metrics_get();
    int i;

    for (i = 0; metrics && i < OCI_METRICS_REGISTRIES; i++) {
        oci_metrics_size_t *size = &metrics->sizes[i];
        apr_uint64_t registry = 0;

        if (i < jobs->nelts) {
            job_t *job = APR_ARRAY_IDX(jobs, i, job_t *);

            job->size = size;
            registry = oci_fingerprint(job->config->blobs->where, jobs->pool);
        }
        if (size->registry != registry) {
            memset(size, 0, sizeof(*size));
            size->registry = registry;
        }
    }
}

void oci_gc_job_register(apr_pool_t *pool, server_rec *main_server)
{
    const apr_array_header_t *jobs = find_jobs(pool, main_server);
    ap_watchdog_t *watchdog = NULL;
    int due = 0;
    int i;

    share_sizes(jobs);
    for (i = 0; i < jobs->nelts; i++) {
        const job_t *job = APR_ARRAY_IDX(jobs, i, job_t *);

        if (uses_pulls(job->config->gc_policy) && job->config->pull_time != 1) {
            oci_line_warn(
                main_server, job->config->blobs_line->directive,
                "OCIRetain has pulled=, but OCIPullTime is not On, so "
                "only pushes count");
        }
        if (job->config->read_only == 1
            || !oci_config_gc_interval(job->config)) {
            continue;
        }
        due++;
        if (job->shared) {
            continue;
        }
        if (!watchdog) {
            watchdog = find_watchdog(pool);
        }
        if (watchdog) {
            register_job(watchdog, job);
        }
        else if (job->config->gc_interval > 0) {
            oci_line_warn(main_server, job->config->blobs_line->directive,
                          "OCIGCInterval is set, but mod_watchdog is not "
                          "loaded, so no garbage is collected; load it, or run "
                          "\"ociadmin gc\" regularly");
        }
    }
    if (oci_metrics_get()) {
        oci_metrics_set(&oci_metrics_get()->gc_due, due);
    }
}
