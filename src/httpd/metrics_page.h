/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file metrics_page.h
 * @brief SetHandler oci-metrics: the counters in the text format of Prometheus
 */

#ifndef OCI_METRICS_PAGE_H
#define OCI_METRICS_PAGE_H

#include "httpd.h"

#include "httpd/metrics.h"

/** The content handler. */
int oci_metrics_page_handler(request_rec *r);

/** Return the number of a request's method in oci_metrics_t. */
int oci_metrics_method(const request_rec *r);

/** Return how many requests are being served.
 * @param handler Their label */
apr_uint64_t oci_metrics_count_in_flight(const oci_metrics_t *metrics,
                                         int handler);

/** Add up what the last full garbage collections found.
 * @param sum Set to the sums; counted is that of the oldest one, 0 for none */
void oci_metrics_sum_sizes(oci_metrics_size_t *sum,
                           const oci_metrics_t *metrics);

#endif /* OCI_METRICS_PAGE_H */
