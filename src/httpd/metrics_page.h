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

#endif /* OCI_METRICS_PAGE_H */
