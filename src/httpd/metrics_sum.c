/* SPDX-License-Identifier: Apache-2.0 */

/* Adds up the counters of the processors, the processes and the registries. */

#include <string.h>

#include "httpd/metrics_sum.h"

oci_counted_t *oci_metrics_sum(const oci_metrics_t *metrics, apr_pool_t *pool)
{
    oci_counted_t *sum = apr_pcalloc(pool, sizeof(*sum));
    apr_uint64_t *total = (apr_uint64_t *)sum;
    apr_size_t i;
    int part;

    for (part = 0; part < OCI_METRICS_PARTS; part++) {
        const apr_uint64_t *number = (const apr_uint64_t *)&metrics
                                         ->parts[part];

        for (i = 0; i < sizeof(*sum) / sizeof(*total); i++) {
            total[i] += oci_metrics_read(&number[i]);
        }
    }
    return sum;
}

apr_uint64_t oci_metrics_sum_processes(const oci_metrics_t *metrics,
                                       const apr_uint32_t *number)
{
    apr_size_t offset = (const char *)number
        - (const char *)&metrics->processes[0];
    apr_uint64_t sum = 0;
    int i;

    for (i = 0; i < OCI_METRICS_PROCESSES; i++) {
        const oci_metrics_process_t *process = &metrics->processes[i];
        apr_uint32_t
            count = __atomic_load_n((const apr_uint32_t *)((const char *)process
                                                           + offset),
                                    __ATOMIC_RELAXED);

        if (count && oci_metrics_process_runs(process)) {
            sum += count;
        }
    }
    return sum;
}

apr_uint64_t oci_metrics_count_in_flight(const oci_metrics_t *metrics,
                                         int handler)
{
    return oci_metrics_sum_processes(metrics,
                                     &metrics->processes[0].in_flight[handler]);
}

void oci_metrics_sum_sizes(oci_metrics_size_t *sum,
                           const oci_metrics_t *metrics)
{
    int i;

    memset(sum, 0, sizeof(*sum));
    for (i = 0; i < OCI_METRICS_REGISTRIES; i++) {
        const oci_metrics_size_t *size = &metrics->sizes[i];
        apr_uint64_t counted = oci_metrics_read(&size->counted);

        if (counted) {
            sum->repositories += oci_metrics_read(&size->repositories);
            sum->blobs += oci_metrics_read(&size->blobs);
            sum->uploads += oci_metrics_read(&size->uploads);
            sum->counted = !sum->counted || counted < sum->counted
                ? counted
                : sum->counted;
        }
    }
}
