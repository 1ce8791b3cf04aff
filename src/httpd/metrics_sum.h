/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file metrics_sum.h
 * @brief The sums that are shown of the counters in memory
 */

#ifndef OCI_METRICS_SUM_H
#define OCI_METRICS_SUM_H

#include "httpd/metrics.h"

/** Return the sum of all parts, in pool. */
oci_counted_t *oci_metrics_sum(const oci_metrics_t *metrics, apr_pool_t *pool);

/**
 * Add up what the processes that run have in a field.
 * @param number The number in the first process
 */
apr_uint64_t oci_metrics_sum_processes(const oci_metrics_t *metrics,
                                       const apr_uint32_t *number);

/**
 * Return how many requests are being served.
 * @param handler Their label
 */
apr_uint64_t oci_metrics_count_in_flight(const oci_metrics_t *metrics,
                                         int handler);

/**
 * Add up what the last full garbage collections found.
 * @param sum Set to the sums; counted is that of the oldest one, 0 for none
 */
void oci_metrics_sum_sizes(oci_metrics_size_t *sum,
                           const oci_metrics_t *metrics);

#endif /* OCI_METRICS_SUM_H */
