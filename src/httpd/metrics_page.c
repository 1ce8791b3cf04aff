/* SPDX-License-Identifier: Apache-2.0 */

/* The counters in the text format of Prometheus, version 0.0.4.  Where the
 * registry of distribution has a metric, it has the same name and labels here,
 * so that the same dashboards show it. */

#include "httpd.h"
#include "http_config.h"
#include "http_protocol.h"
#include "apr_strings.h"

#include "httpd/context.h"
#include "httpd/metrics_page.h"
#include "httpd/metrics_sum.h"
#include "mod_oci.h"

#define U64 "%" APR_UINT64_T_FMT

/* The values of the label "handler". */
static const char *const handlers[OCI_METRICS_HANDLERS] = {
    [OCI_ROUTE_NONE] = "other", /* counted as OCI_METRICS_OTHER */
    [OCI_ROUTE_BASE] = "base",
    [OCI_ROUTE_CATALOG] = "catalog",
    [OCI_ROUTE_TAGS] = "tags",
    [OCI_ROUTE_MANIFEST] = "manifest",
    [OCI_ROUTE_BLOB] = "blob",
    [OCI_ROUTE_UPLOADS] = "blob_upload",
    [OCI_ROUTE_UPLOAD] = "blob_upload_chunk",
    [OCI_ROUTE_REFERRERS] = "referrers",
    [OCI_ROUTE_TAG_DETAILS] = "tag_details",
    [OCI_ROUTE_MANIFEST_DETAILS] = "manifest_details",
    [OCI_METRICS_OTHER] = "other",
    [OCI_METRICS_TOKEN] = "token",
};

/* The values of the label "method".  HEAD is M_GET, too. */
static const struct {
    int number;
    const char *name;
} methods[OCI_METRICS_METHODS] = {
    { M_GET, "get" },       { M_PUT, "put" },       { M_POST, "post" },
    { M_PATCH, "patch" },   { M_DELETE, "delete" }, { M_OPTIONS, "options" },
    { M_INVALID, "other" }, { M_INVALID, "head" },
};
#define OTHER 6
#define HEAD  7

/* The counters without labels. */
static const struct {
    const char *name;
    const char *help;
} counters[OCI_METRIC_COUNT] = {
    { "oci_uploads_started_total", "Upload sessions that were started." },
    { "oci_uploads_completed_total",
      "Upload sessions that ended with a blob." },
    { "oci_uploads_cancelled_total",
      "Upload sessions that their client cancelled." },
    { "oci_uploads_abandoned_total",
      "Idle upload sessions that the server ended." },
    { "oci_logins_refused_total",
      "Requests with credentials that were answered with 401." },
    { "oci_tokens_issued_total", "Tokens that were issued." },
    { "oci_gc_runs_total", "Runs of garbage collection, failed ones too." },
    { "oci_gc_failures_total", "Runs of garbage collection that failed." },
    { "oci_gc_duration_seconds_total",
      "Time for which garbage collection ran." },
    { "oci_gc_condemned_blobs_total",
      "Blobs of repositories that were condemned." },
    { "oci_gc_collected_blobs_total",
      "Blobs that were taken out of their repositories." },
    { "oci_gc_deleted_blobs_total", "Blobs whose bytes were deleted." },
    { "oci_gc_deleted_tags_total", "Tags that were deleted by rules." },
    { "oci_gc_deleted_manifests_total",
      "Manifests that were deleted by rules." },
    { "oci_gc_freed_bytes_total", "Bytes that garbage collection freed." },
    { "oci_events_written_total", "Events that were written to OCIEventLog." },
    { "oci_events_failed_total", "Events that could not be written." },
};

int oci_metrics_method(const request_rec *r)
{
    int i = 0;

    if (r->header_only) {
        return HEAD;
    }
    while (i < OTHER && methods[i].number != r->method_number) {
        i++;
    }
    return i;
}

static void head(request_rec *r, const char *name, const char *type,
                 const char *help)
{
    ap_rprintf(r, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* Print a number of microseconds in seconds. */
static const char *seconds(apr_uint64_t microseconds, apr_pool_t *pool)
{
    return apr_psprintf(pool, U64 ".%06d", microseconds / APR_USEC_PER_SEC,
                        (int)(microseconds % APR_USEC_PER_SEC));
}

static const char *bytes(apr_uint64_t count, apr_pool_t *pool)
{
    return apr_psprintf(pool, U64, count);
}

/* A kind of histogram. */
typedef struct form_t {
    const char *name;
    const apr_uint64_t *limits;
    const char *(*print)(apr_uint64_t value, apr_pool_t *pool);
} form_t;

/* Print a histogram, unless it is empty. */
static void print_histogram(request_rec *r, const form_t *form,
                            const oci_histogram_t *histogram,
                            const char *labels)
{
    apr_uint64_t total = 0;
    apr_uint64_t counts[OCI_METRICS_BUCKETS];
    int i, n = 0;

    do {
        total += histogram->buckets[n];
        counts[n] = total;
    } while (form->limits[n++]);
    if (!total) {
        return;
    }
    for (i = 0; i < n; i++) {
        ap_rprintf(r, "%s_bucket{%s,le=\"%s\"} " U64 "\n", form->name, labels,
                   form->limits[i] ? form->print(form->limits[i], r->pool)
                                   : "+Inf",
                   counts[i]);
    }
    ap_rprintf(r, "%s_sum{%s} %s\n%s_count{%s} " U64 "\n", form->name, labels,
               form->print(histogram->sum, r->pool), form->name, labels, total);
}

static void print_requests(request_rec *r, const oci_counted_t *counted)
{
    int handler, method, i;

    head(r, "registry_http_requests_total", "counter",
         "Requests that ended, by endpoint, method and status.");
    for (handler = 1; handler < OCI_METRICS_HANDLERS; handler++) {
        for (method = 0; method < OCI_METRICS_METHODS; method++) {
            for (i = 0; i < OCI_METRICS_STATUSES; i++) {
                apr_uint64_t count = counted->requests[handler][method][i];

                if (count) {
                    ap_rprintf(r,
                               "registry_http_requests_total{code=\"%d\","
                               "handler=\"%s\",method=\"%s\"} " U64 "\n",
                               100 + i, handlers[handler], methods[method].name,
                               count);
                }
            }
        }
    }
}

static void print_durations(request_rec *r, const oci_counted_t *counted)
{
    static const form_t form = { "registry_http_request_duration_seconds",
                                 oci_metrics_duration_limits, seconds };
    int handler, method;

    head(r, form.name, "histogram",
         "Time from the first byte of a request to the end of its reply.");
    for (handler = 1; handler < OCI_METRICS_HANDLERS; handler++) {
        for (method = 0; method < OCI_METRICS_METHODS; method++) {
            print_histogram(r, &form, &counted->durations[handler][method],
                            apr_psprintf(r->pool,
                                         "handler=\"%s\",method=\"%s\"",
                                         handlers[handler],
                                         methods[method].name));
        }
    }
}

static void print_sizes(request_rec *r, const char *name, const char *help,
                        const oci_histogram_t *histograms)
{
    form_t form = { name, oci_metrics_size_limits, bytes };
    int handler;

    head(r, name, "histogram", help);
    for (handler = 1; handler < OCI_METRICS_HANDLERS; handler++) {
        print_histogram(r, &form, &histograms[handler],
                        apr_psprintf(r->pool, "handler=\"%s\"",
                                     handlers[handler]));
    }
}

/* The values of the label "action". */
static const char *const actions[OCI_STORAGE_ACTIONS] = {
    [OCI_STORAGE_GET] = "get",
    [OCI_STORAGE_FOLLOW] = "follow",
    [OCI_STORAGE_SCAN] = "scan",
    [OCI_STORAGE_VISIT] = "visit",
    [OCI_STORAGE_APPLY] = "apply",
    [OCI_STORAGE_LOCK] = "lock",
    [OCI_STORAGE_UPLOAD_OPEN] = "upload_open",
    [OCI_STORAGE_UPLOAD_RESUME] = "upload_resume",
    [OCI_STORAGE_UPLOAD_WRITE] = "upload_write",
    [OCI_STORAGE_UPLOAD_READ] = "upload_read",
    [OCI_STORAGE_UPLOAD_CLOSE] = "upload_close",
    [OCI_STORAGE_UPLOAD_COMMIT] = "upload_commit",
    [OCI_STORAGE_UPLOAD_ABORT] = "upload_abort",
    [OCI_STORAGE_BLOB_OPEN] = "blob_open",
    [OCI_STORAGE_BLOB_SIZE] = "blob_size",
    [OCI_STORAGE_BLOB_DELETE] = "blob_delete",
    [OCI_STORAGE_LIST] = "list",
};

static void print_storage(request_rec *r, const oci_counted_t *counted)
{
    static const form_t form = { "registry_storage_action_seconds",
                                 oci_metrics_duration_limits, seconds };
    int driver, action;

    head(r, form.name, "histogram",
         "Time of a call of a blob store or an index.");
    for (driver = 0; driver < OCI_METRICS_DRIVERS; driver++) {
        for (action = 0; action < OCI_STORAGE_ACTIONS; action++) {
            print_histogram(r, &form, &counted->storage[driver][action],
                            apr_psprintf(r->pool, "action=\"%s\",driver=\"%s\"",
                                         actions[action],
                                         oci_metrics_drivers[driver]));
        }
    }
}

static int has_values(const oci_histogram_t *histogram)
{
    int i = 0;

    while (i < OCI_METRICS_BUCKETS && !histogram->buckets[i]) {
        i++;
    }
    return i < OCI_METRICS_BUCKETS;
}

/* Calls that have not failed yet have a 0, so that Prometheus can tell that the
 * first failure is an increase. */
static void print_failures(request_rec *r, const oci_counted_t *counted)
{
    int driver, action;

    head(r, "oci_storage_failures_total", "counter",
         "Calls of a blob store or an index that failed.");
    for (driver = 0; driver < OCI_METRICS_DRIVERS; driver++) {
        for (action = 0; action < OCI_STORAGE_ACTIONS; action++) {
            apr_uint64_t count = counted->failures[driver][action];

            if (has_values(&counted->storage[driver][action])) {
                ap_rprintf(r,
                           "oci_storage_failures_total{action=\"%s\","
                           "driver=\"%s\"} " U64 "\n",
                           actions[action], oci_metrics_drivers[driver], count);
            }
        }
    }
}

static void print_in_flight(request_rec *r, const oci_metrics_t *metrics)
{
    int handler;

    head(r, "registry_http_in_flight_requests", "gauge",
         "Requests that are being served.");
    for (handler = 1; handler < OCI_METRICS_TOKEN; handler++) {
        ap_rprintf(r,
                   "registry_http_in_flight_requests{handler=\"%s\"} " U64 "\n",
                   handlers[handler],
                   oci_metrics_count_in_flight(metrics, handler));
    }
}

/* A metric of connections.  A wait is counted when it ends. */
typedef struct connection_row_t {
    const char *name;
    const char *help;
} connection_row_t;

static const connection_row_t connection_gauges[OCI_CONNECTION_GAUGES] = {
    { "oci_index_connections", "Connections to a database that are in use." },
    { "oci_index_connections_limit", "How many connections may be in use." },
    { "oci_index_connection_waiters", "Calls that wait for a connection." },
};

static const connection_row_t connection_counters[OCI_CONNECTION_COUNTERS] = {
    { "oci_index_connection_waits_total",
      "Calls that waited for a connection, because all were in use." },
    { "oci_index_connection_wait_seconds_total",
      "Time for which calls waited for a connection." },
    { "oci_index_connection_timeouts_total",
      "Waits that ended without a connection." },
    { "oci_index_connection_failures_total",
      "Attempts to connect to a database that failed." },
};

/* Print a number of each use of connections. */
static void print_by_use(request_rec *r, const connection_row_t *row,
                         const char *type, const char *const *numbers)
{
    static const char *const uses[OCI_DBD_USES] = {
        [OCI_DBD_FOR_CALLS] = "calls",
        [OCI_DBD_FOR_LOCKS] = "locks",
    };
    int use;

    head(r, row->name, type, row->help);
    for (use = 0; use < OCI_DBD_USES; use++) {
        ap_rprintf(r, "%s{use=\"%s\"} %s\n", row->name, uses[use],
                   numbers[use]);
    }
}

static void print_connections(request_rec *r, const oci_metrics_t *metrics,
                              const oci_counted_t *counted)
{
    const char *numbers[OCI_DBD_USES];
    int i, use;

    for (i = 0; i < OCI_CONNECTION_GAUGES; i++) {
        const apr_uint32_t *first = metrics->processes[0].connections[i];

        for (use = 0; use < OCI_DBD_USES; use++) {
            numbers[use] = bytes(oci_metrics_sum_processes(metrics,
                                                           &first[use]),
                                 r->pool);
        }
        print_by_use(r, &connection_gauges[i], "gauge", numbers);
    }
    for (i = 0; i < OCI_CONNECTION_COUNTERS; i++) {
        for (use = 0; use < OCI_DBD_USES; use++) {
            apr_uint64_t count = counted->connections[i][use];

            numbers[use] = i == OCI_CONNECTION_WAIT_MICROSECONDS
                ? seconds(count, r->pool)
                : bytes(count, r->pool);
        }
        print_by_use(r, &connection_counters[i], "counter", numbers);
    }
}

static void print_counters(request_rec *r, const oci_counted_t *counted)
{
    int i;

    for (i = 0; i < OCI_METRIC_COUNT; i++) {
        apr_uint64_t count = counted->counters[i];

        head(r, counters[i].name, "counter", counters[i].help);
        ap_rprintf(r, "%s %s\n", counters[i].name,
                   i == OCI_METRIC_GC_MICROSECONDS ? seconds(count, r->pool)
                                                   : bytes(count, r->pool));
    }
}

static void print_gauge(request_rec *r, const char *name, const char *help,
                        apr_uint64_t value)
{
    head(r, name, "gauge", help);
    ap_rprintf(r, "%s " U64 "\n", name, value);
}

static void print_gauges(request_rec *r, const oci_metrics_t *metrics)
{
    oci_metrics_size_t sum;

    oci_metrics_sum_sizes(&sum, metrics);
    if (oci_metrics_read(&metrics->gc_due)) {
        print_gauge(r, "oci_gc_last_success_timestamp_seconds",
                    "When garbage collection last succeeded; 0 for never.",
                    oci_metrics_read(&metrics->gc_last));
    }
    print_gauge(r, "oci_repositories",
                "Repositories, as of oci_counted_timestamp_seconds.",
                sum.repositories);
    print_gauge(r, "oci_blobs", "Blobs, as of oci_counted_timestamp_seconds.",
                sum.blobs);
    print_gauge(r, "oci_uploads",
                "Upload sessions, as of oci_counted_timestamp_seconds.",
                sum.uploads);
    print_gauge(r, "oci_counted_timestamp_seconds",
                "When a full garbage collection last counted; 0 for never.",
                sum.counted);
}

static void print_page(request_rec *r, const oci_metrics_t *metrics)
{
    const oci_counted_t *counted = oci_metrics_sum(metrics, r->pool);

    print_requests(r, counted);
    print_durations(r, counted);
    print_sizes(r, "registry_http_request_size_bytes",
                "Bytes of the bodies of requests.", counted->received);
    print_sizes(r, "registry_http_response_size_bytes",
                "Bytes of the bodies of replies.", counted->sent);
    print_in_flight(r, metrics);
    print_storage(r, counted);
    print_failures(r, counted);
    print_connections(r, metrics, counted);
    print_counters(r, counted);
    print_gauges(r, metrics);
    head(r, "oci_build_info", "gauge", "The version of mod_oci; always 1.");
    ap_rputs("oci_build_info{version=\"" OCI_VERSION "\"} 1\n", r);
}

int oci_metrics_page_handler(request_rec *r)
{
    const oci_metrics_t *metrics = oci_metrics_get();

    if (!r->handler || ap_cstr_casecmp(r->handler, OCI_METRICS_HANDLER)) {
        return DECLINED;
    }
    r->allowed |= AP_METHOD_BIT << M_GET;
    if (r->method_number != M_GET) {
        return HTTP_METHOD_NOT_ALLOWED;
    }
    if (!metrics) {
        return HTTP_SERVICE_UNAVAILABLE;
    }
    ap_set_content_type(r, "text/plain; version=0.0.4; charset=utf-8");
    apr_table_setn(r->headers_out, "Cache-Control", "no-store");
    print_page(r, metrics);
    return OK;
}
