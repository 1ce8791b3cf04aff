/* SPDX-License-Identifier: Apache-2.0 */

/* Counts the requests for the registry and its tokens. */

#include "httpd.h"
#include "http_config.h"

#include "httpd/metrics.h"
#include "httpd/metrics_page.h"
#include "httpd/metrics_request.h"

int oci_metrics_label(const oci_context_t *context)
{
    if (context->is_token) {
        return OCI_METRICS_TOKEN;
    }
    return context->route.endpoint == OCI_ROUTE_NONE
            || context->route.endpoint >= OCI_METRICS_OTHER
        ? OCI_METRICS_OTHER
        : (int)context->route.endpoint;
}

/* Count what a request did besides. */
static void count_effects(const request_rec *r, const oci_context_t *context,
                          int status)
{
    int method = r->method_number;

    if (status == HTTP_UNAUTHORIZED
        && apr_table_get(r->headers_in, "Authorization")) {
        oci_metrics_add(OCI_METRIC_LOGINS_REFUSED, 1);
    }
    if (context->is_token) {
        oci_metrics_add(OCI_METRIC_TOKENS_ISSUED, status == HTTP_OK);
        return;
    }
    if (context->route.endpoint == OCI_ROUTE_UPLOADS && method == M_POST) {
        oci_metrics_add(OCI_METRIC_UPLOADS_STARTED, status == HTTP_ACCEPTED);
    }
    if (context->route.endpoint == OCI_ROUTE_UPLOAD) {
        oci_metrics_add(OCI_METRIC_UPLOADS_COMPLETED,
                        method == M_PUT && status == HTTP_CREATED);
        oci_metrics_add(OCI_METRIC_UPLOADS_CANCELLED,
                        method == M_DELETE && status == HTTP_NO_CONTENT);
    }
}

static void count(oci_counted_t *here, const request_rec *r,
                  const request_rec *last, const oci_context_t *context)
{
    int handler = oci_metrics_label(context);
    int method = oci_metrics_method(r);
    apr_time_t duration = apr_time_now() - r->request_time;
    int status = last->status;

    if (status < 100 || status >= 100 + OCI_METRICS_STATUSES) {
        status = HTTP_INTERNAL_SERVER_ERROR;
    }
    oci_metrics_increase(&here->requests[handler][method][status - 100], 1);
    oci_metrics_observe(&here->durations[handler][method],
                        oci_metrics_duration_limits,
                        duration > 0 ? (apr_uint64_t)duration : 0);
    oci_metrics_observe(&here->received[handler], oci_metrics_size_limits,
                        (apr_uint64_t)context->received);
    oci_metrics_observe(&here->sent[handler], oci_metrics_size_limits,
                        (apr_uint64_t)last->bytes_sent);
    count_effects(r, context, status);
}

int oci_metrics_request_end(request_rec *r)
{
    oci_counted_t *here = oci_metrics_here();
    const oci_context_t *context = oci_context_get(r);
    const request_rec *last = r;

    if (!here) {
        return DECLINED;
    }
    /* httpd may have redirected the request: to us, or from us to a document
     * for an error. */
    while (last->next) {
        last = last->next;
        context = context ? context : oci_context_get(last);
    }
    if (context) {
        count(here, r, last, context);
    }
    return OK;
}
