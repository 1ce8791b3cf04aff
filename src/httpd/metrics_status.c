/* SPDX-License-Identifier: Apache-2.0 */

/* The section of the registry on the page of mod_status, and the lines of its
 * form "?auto". */

#include "httpd.h"
#include "http_protocol.h"
#include "apr_optional_hooks.h"
#include "mod_status.h"

#include "httpd/metrics_status.h"
#include "httpd/metrics_sum.h"

/* What the section shows. */
typedef struct totals_t {
    apr_uint64_t requests;
    apr_uint64_t received;
    apr_uint64_t sent;
    apr_uint64_t in_flight;
} totals_t;

static apr_uint64_t requests_of(const oci_counted_t *counted, int handler)
{
    apr_uint64_t sum = 0;
    int method, i;

    for (method = 0; method < OCI_METRICS_METHODS; method++) {
        for (i = 0; i < OCI_METRICS_STATUSES; i++) {
            sum += counted->requests[handler][method][i];
        }
    }
    return sum;
}

static void add_up(totals_t *totals, const oci_metrics_t *metrics,
                   const oci_counted_t *counted)
{
    int handler;

    memset(totals, 0, sizeof(*totals));
    for (handler = 0; handler < OCI_METRICS_HANDLERS; handler++) {
        totals->requests += requests_of(counted, handler);
        totals->received += counted->received[handler].sum;
        totals->sent += counted->sent[handler].sum;
        totals->in_flight += oci_metrics_count_in_flight(metrics, handler);
    }
}

/* Print a number.
 * @param name For "?auto"
 * @param words For people */
static void print_number(request_rec *r, int flags, const char *name,
                         const char *words, apr_uint64_t value)
{
    if (flags & AP_STATUS_SHORT) {
        ap_rprintf(r, "%s: %" APR_UINT64_T_FMT "\n", name, value);
    }
    else {
        ap_rprintf(r, "<dt>%s: %" APR_UINT64_T_FMT "</dt>\n", words, value);
    }
}

static void print_counters(request_rec *r, int flags,
                           const oci_counted_t *counted)
{
    static const struct {
        oci_metric_e metric;
        const char *name;
        const char *words;
    } shown[] = {
        { OCI_METRIC_UPLOADS_STARTED, "OCIUploadsStarted",
          "Upload sessions started" },
        { OCI_METRIC_UPLOADS_COMPLETED, "OCIUploadsCompleted",
          "Upload sessions completed" },
        { OCI_METRIC_LOGINS_REFUSED, "OCILoginsRefused", "Logins refused" },
        { OCI_METRIC_TOKENS_ISSUED, "OCITokensIssued", "Tokens issued" },
        { OCI_METRIC_GC_RUNS, "OCIGCRuns", "Garbage collections" },
        { OCI_METRIC_GC_FAILURES, "OCIGCFailures",
          "Garbage collections that failed" },
        { OCI_METRIC_GC_BYTES, "OCIGCFreedBytes",
          "Bytes freed by garbage collection" },
    };
    apr_size_t i;

    for (i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
        print_number(r, flags, shown[i].name, shown[i].words,
                     counted->counters[shown[i].metric]);
    }
}

static int print_section(request_rec *r, int flags)
{
    const oci_metrics_t *metrics = oci_metrics_get();
    const oci_counted_t *counted;
    totals_t totals;

    if (!metrics) {
        return DECLINED;
    }
    counted = oci_metrics_sum(metrics, r->pool);
    add_up(&totals, metrics, counted);
    if (!(flags & AP_STATUS_SHORT)) {
        ap_rputs("<hr />\n<h2>mod_oci</h2>\n<dl>\n", r);
    }
    print_number(r, flags, "OCIRequests", "Requests", totals.requests);
    print_number(r, flags, "OCIRequestsInFlight", "Requests being served",
                 totals.in_flight);
    print_number(r, flags, "OCIBytesReceived", "Bytes received",
                 totals.received);
    print_number(r, flags, "OCIBytesSent", "Bytes sent", totals.sent);
    print_counters(r, flags, counted);
    if (!(flags & AP_STATUS_SHORT)) {
        ap_rputs("</dl>\n", r);
    }
    return OK;
}

void oci_metrics_status_register(void)
{
    APR_OPTIONAL_HOOK(ap, status_hook, print_section, NULL, NULL,
                      APR_HOOK_MIDDLE);
}
