/* SPDX-License-Identifier: Apache-2.0 */

/* Counters in memory that all processes share.  They are only added up, so no
 * order is needed between the changes of two of them. */

#ifdef __linux__
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* sched_getcpu */
#endif
#include <sched.h>
#endif
#include <string.h>
#include <unistd.h>

#include "httpd.h"
#include "http_config.h"
#include "http_log.h"
#include "http_main.h"
#include "apr_shm.h"
#include "apr_strings.h"

#include "httpd/config.h"
#include "httpd/context.h"
#include "httpd/metrics.h"
#include "mod_oci.h"

APLOG_USE_MODULE(oci);

/* The limits that the registry of distribution uses. */
const apr_uint64_t oci_metrics_duration_limits[] = {
    5000,    10000,   25000,   50000,    100000,   250000,   500000,
    1000000, 2500000, 5000000, 10000000, 25000000, 60000000, 0
};

#define KIB ((apr_uint64_t)1024)
#define MIB (KIB * 1024)

const apr_uint64_t oci_metrics_size_limits[] = {
    KIB,       2 * KIB,   4 * KIB,    8 * KIB,    16 * KIB, 32 * KIB,
    64 * KIB,  128 * KIB, 256 * KIB,  512 * KIB,  MIB,      2 * MIB,
    4 * MIB,   8 * MIB,   16 * MIB,   32 * MIB,   64 * MIB, 128 * MIB,
    256 * MIB, 512 * MIB, 1024 * MIB, 2048 * MIB, 0
};

/* Whether a SetHandler line shows the counters, or may do so: the value may be
 * an expression. */
static int shows_metrics(const ap_directive_t *line)
{
    return !ap_cstr_casecmp(line->directive, "SetHandler")
        && (ap_strcasestr(line->args, OCI_METRICS_HANDLER)
            || ap_strcasestr(line->args, "server-status")
            || strstr(line->args, "%{"));
}

static int have_reader(const ap_directive_t *line)
{
    for (; line; line = line->next) {
        if (shows_metrics(line) || have_reader(line->first_child)) {
            return 1;
        }
    }
    return 0;
}

/* Get the memory from httpd's process pool, which lives through reloads.  An
 * upgrade of the module may change the layout, so the key names it. */
static apr_status_t find_memory(oci_metrics_t **metrics, apr_pool_t *pool)
{
    char key[80];
    void *found = NULL;
    apr_shm_t *memory;
    apr_status_t rv;

    apr_snprintf(key, sizeof(key), "mod_oci/" OCI_VERSION " metrics %d",
                 (int)sizeof(oci_metrics_t));
    apr_pool_userdata_get(&found, key, pool);
    if (!found) {
        rv = apr_shm_create(&memory, sizeof(oci_metrics_t), NULL, pool);
        if (rv != APR_SUCCESS) {
            return rv;
        }
        found = apr_shm_baseaddr_get(memory);
        memset(found, 0, sizeof(oci_metrics_t));
        apr_pool_userdata_set(found, key, NULL, pool);
    }
    *metrics = found;
    return APR_SUCCESS;
}

void oci_metrics_start(server_rec *main_server)
{
    oci_server_config_t *server = oci_config_of_server(main_server);
    apr_status_t rv;

    if (!have_reader(ap_conftree)) {
        return;
    }
    rv = find_memory(&server->metrics, main_server->process->pool);
    if (rv != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_ERR, rv, main_server,
                     "oci: cannot create shared memory for the metrics, so "
                     "nothing is counted");
    }
}

/* The processes of httpd are in the group of their parent: another program that
 * got the id of one of them is not. */
int oci_metrics_process_runs(const oci_metrics_process_t *process)
{
    apr_uint32_t pid = __atomic_load_n(&process->pid, __ATOMIC_RELAXED);

    return pid && getpgid((pid_t)pid) == getpgrp();
}

/* Claim the part of a process that no longer exists, or one never used. */
static int claim(oci_metrics_process_t *process)
{
    apr_uint32_t old = __atomic_load_n(&process->pid, __ATOMIC_RELAXED);

    if (old != (apr_uint32_t)getpid() && oci_metrics_process_runs(process)) {
        return 0;
    }
    if (!__atomic_compare_exchange_n(&process->pid, &old,
                                     (apr_uint32_t)getpid(), 0,
                                     __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
        return 0;
    }
    memset(process->in_flight, 0, sizeof(process->in_flight));
    memset(process->connections, 0, sizeof(process->connections));
    return 1;
}

void oci_metrics_child_init(apr_pool_t *pool, server_rec *main_server)
{
    oci_server_config_t *server = oci_config_of_server(main_server);
    int i;

    (void)pool;
    for (i = 0; server->metrics && i < OCI_METRICS_PROCESSES; i++) {
        if (claim(&server->metrics->processes[i])) {
            server->metrics_process = &server->metrics->processes[i];
            return;
        }
    }
}

oci_metrics_t *oci_metrics_get(void)
{
    return oci_config_of_server(ap_server_conf)->metrics;
}

oci_counted_t *oci_metrics_here(void)
{
    oci_metrics_t *metrics = oci_metrics_get();
    int processor = 0;

#ifdef __linux__
    processor = sched_getcpu();
#endif
    return metrics
        ? &metrics->parts[processor < 0 ? 0 : processor % OCI_METRICS_PARTS]
        : NULL;
}

void oci_metrics_increase(apr_uint64_t *number, apr_uint64_t by)
{
    if (by) {
        __atomic_fetch_add(number, by, __ATOMIC_RELAXED);
    }
}

apr_uint64_t oci_metrics_read(const apr_uint64_t *number)
{
    return __atomic_load_n(number, __ATOMIC_RELAXED);
}

void oci_metrics_set(apr_uint64_t *number, apr_uint64_t value)
{
    __atomic_store_n(number, value, __ATOMIC_RELAXED);
}

void oci_metrics_add(oci_metric_e metric, apr_uint64_t by)
{
    oci_counted_t *here = oci_metrics_here();

    if (here) {
        oci_metrics_increase(&here->counters[metric], by);
    }
}

void oci_metrics_observe(oci_histogram_t *histogram, const apr_uint64_t *limits,
                         apr_uint64_t value)
{
    int i = 0;

    while (limits[i] && value > limits[i]) {
        i++;
    }
    oci_metrics_increase(&histogram->buckets[i], 1);
    oci_metrics_increase(&histogram->sum, value);
}

const char *const oci_metrics_drivers[OCI_METRICS_DRIVERS] = { "fs", "dbm",
                                                               "dbd", "other" };

int oci_metrics_driver(const char *name)
{
    apr_size_t length = strcspn(name, ":");
    int i = 0;

    while (i < OCI_METRICS_DRIVERS - 1
           && (strlen(oci_metrics_drivers[i]) != length
               || strncmp(oci_metrics_drivers[i], name, length) != 0)) {
        i++;
    }
    return i;
}

void oci_metrics_storage(int driver, oci_storage_action_e action,
                         apr_time_t begun, int failed)
{
    oci_counted_t *here = oci_metrics_here();
    apr_time_t duration = apr_time_now() - begun;

    if (here) {
        oci_metrics_observe(&here->storage[driver][action],
                            oci_metrics_duration_limits,
                            duration > 0 ? (apr_uint64_t)duration : 0);
        if (failed) {
            oci_metrics_increase(&here->failures[driver][action], 1);
        }
    }
}

static void add_connections(oci_connection_gauge_e gauge, oci_dbd_use_e use,
                            apr_int64_t by)
{
    oci_metrics_process_t *process = oci_config_of_server(ap_server_conf)
                                         ->metrics_process;

    if (process) {
        __atomic_fetch_add(&process->connections[gauge][use], (apr_uint32_t)by,
                           __ATOMIC_RELAXED);
    }
}

static void count_connections(oci_connection_counter_e counter,
                              oci_dbd_use_e use, apr_int64_t by)
{
    oci_counted_t *here = oci_metrics_here();

    if (here && by > 0) {
        oci_metrics_increase(&here->connections[counter][use],
                             (apr_uint64_t)by);
    }
}

void oci_metrics_connection(oci_dbd_event_e event, oci_dbd_use_e use,
                            apr_int64_t number)
{
    switch (event) {
    case OCI_DBD_LIMIT:
        add_connections(OCI_CONNECTIONS_LIMIT, use, number);
        break;
    case OCI_DBD_IN_USE:
        add_connections(OCI_CONNECTIONS_IN_USE, use, number);
        break;
    case OCI_DBD_WAITING:
        add_connections(OCI_CONNECTIONS_WAITING, use, number);
        break;
    case OCI_DBD_WAITED:
        count_connections(OCI_CONNECTION_WAITS, use, 1);
        count_connections(OCI_CONNECTION_WAIT_MICROSECONDS, use, number);
        break;
    case OCI_DBD_TIMED_OUT:
        count_connections(OCI_CONNECTION_TIMEOUTS, use, number);
        break;
    case OCI_DBD_REFUSED:
        count_connections(OCI_CONNECTION_FAILURES, use, number);
        break;
    }
}

void oci_metrics_in_flight(int handler, int by)
{
    oci_metrics_process_t *process = oci_config_of_server(ap_server_conf)
                                         ->metrics_process;

    if (process) {
        __atomic_fetch_add(&process->in_flight[handler], by, __ATOMIC_RELAXED);
    }
}
