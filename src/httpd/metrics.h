/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file metrics.h
 * @brief Counters in memory that all processes of the server share
 *
 * The parent process creates the memory once, so that the counters survive
 * reloads.  They start at 0 when httpd is stopped and started.  Nothing is
 * counted unless a SetHandler line lets somebody read the counters.
 */

#ifndef OCI_METRICS_H
#define OCI_METRICS_H

#include "httpd.h"
#include "http_config.h"

#include "store/dbd/dbd_source.h"
#include "values/route.h"

/** Counters without labels; the names are in metrics_page.c. */
typedef enum {
    OCI_METRIC_UPLOADS_STARTED,
    OCI_METRIC_UPLOADS_COMPLETED,
    OCI_METRIC_UPLOADS_CANCELLED, /* by their clients */
    OCI_METRIC_UPLOADS_ABANDONED, /* ended because they were idle */
    OCI_METRIC_LOGINS_REFUSED,
    OCI_METRIC_TOKENS_ISSUED,
    OCI_METRIC_GC_RUNS,
    OCI_METRIC_GC_FAILURES,
    OCI_METRIC_GC_MICROSECONDS,
    OCI_METRIC_GC_CONDEMNED,
    OCI_METRIC_GC_COLLECTED,
    OCI_METRIC_GC_BLOBS,
    OCI_METRIC_GC_TAGS,
    OCI_METRIC_GC_MANIFESTS,
    OCI_METRIC_GC_BYTES,
    OCI_METRIC_EVENTS_WRITTEN,
    OCI_METRIC_EVENTS_FAILED,
    OCI_METRIC_COUNT
} oci_metric_e;

/** Labels of requests: the endpoints of the registry, the last of which is for
 * all that are not known, and the token endpoint. */
#define OCI_METRICS_OTHER    (OCI_ROUTE_MANIFEST_DETAILS + 1)
#define OCI_METRICS_TOKEN    (OCI_METRICS_OTHER + 1)
#define OCI_METRICS_HANDLERS (OCI_METRICS_TOKEN + 1)
#define OCI_METRICS_METHODS  8

/** HTTP statuses from 100. */
#define OCI_METRICS_STATUSES 500

/** Calls of a blob store or an index, as their providers name them. */
typedef enum {
    OCI_STORAGE_GET,
    OCI_STORAGE_FOLLOW,
    OCI_STORAGE_SCAN,
    OCI_STORAGE_VISIT,
    OCI_STORAGE_APPLY,
    OCI_STORAGE_LOCK,
    OCI_STORAGE_UPLOAD_OPEN,
    OCI_STORAGE_UPLOAD_RESUME,
    OCI_STORAGE_UPLOAD_WRITE,
    OCI_STORAGE_UPLOAD_READ,
    OCI_STORAGE_UPLOAD_CLOSE,
    OCI_STORAGE_UPLOAD_COMMIT,
    OCI_STORAGE_UPLOAD_ABORT,
    OCI_STORAGE_BLOB_OPEN,
    OCI_STORAGE_BLOB_SIZE,
    OCI_STORAGE_BLOB_DELETE,
    OCI_STORAGE_LIST,
    OCI_STORAGE_ACTIONS
} oci_storage_action_e;

/** What a process has of connections to the databases of indexes. */
typedef enum {
    OCI_CONNECTIONS_IN_USE,
    OCI_CONNECTIONS_LIMIT,
    OCI_CONNECTIONS_WAITING, /* callers */
    OCI_CONNECTION_GAUGES
} oci_connection_gauge_e;

/** Counters of these connections. */
typedef enum {
    OCI_CONNECTION_WAITS,
    OCI_CONNECTION_WAIT_MICROSECONDS,
    OCI_CONNECTION_TIMEOUTS, /* waits that ended without a connection */
    OCI_CONNECTION_FAILURES, /* of connecting */
    OCI_CONNECTION_COUNTERS
} oci_connection_counter_e;

/** The built-in providers, and all others. */
#define OCI_METRICS_DRIVERS 4

/** A histogram has at most this many buckets, the last one without a limit. */
#define OCI_METRICS_BUCKETS 23

/** How many processes, and how many registries, are told apart. */
#define OCI_METRICS_PROCESSES  1024
#define OCI_METRICS_REGISTRIES 64

/** How many processors have a part of their own. */
#define OCI_METRICS_PARTS 8

/** A histogram. */
typedef struct oci_histogram_t {
    apr_uint64_t buckets[OCI_METRICS_BUCKETS]; /* not cumulative */
    apr_uint64_t sum; /* of the values: microseconds, or bytes */
} oci_histogram_t;

/** What one process is doing. */
typedef struct oci_metrics_process_t {
    apr_uint32_t pid; /* 0 for none */
    apr_uint32_t in_flight[OCI_METRICS_HANDLERS];
    apr_uint32_t connections[OCI_CONNECTION_GAUGES][OCI_DBD_USES];
    char apart[64]; /* processors do not share a cache line */
} oci_metrics_process_t;

/** What a full garbage collection found in a registry. */
typedef struct oci_metrics_size_t {
    apr_uint64_t registry; /* the fingerprint of its blob store's place */
    apr_uint64_t repositories;
    apr_uint64_t blobs;
    apr_uint64_t uploads;
    apr_uint64_t counted; /* when, in seconds; 0 for never */
} oci_metrics_size_t;

/** What is only added up. */
typedef struct oci_counted_t {
    apr_uint64_t counters[OCI_METRIC_COUNT];
    apr_uint64_t requests[OCI_METRICS_HANDLERS][OCI_METRICS_METHODS]
                         [OCI_METRICS_STATUSES];
    oci_histogram_t durations[OCI_METRICS_HANDLERS][OCI_METRICS_METHODS];
    oci_histogram_t received[OCI_METRICS_HANDLERS];
    oci_histogram_t sent[OCI_METRICS_HANDLERS];
    oci_histogram_t storage[OCI_METRICS_DRIVERS][OCI_STORAGE_ACTIONS];
    apr_uint64_t failures[OCI_METRICS_DRIVERS][OCI_STORAGE_ACTIONS];
    apr_uint64_t connections[OCI_CONNECTION_COUNTERS][OCI_DBD_USES];
    apr_uint64_t apart[8]; /* processors do not share a cache line */
} oci_counted_t;

/** The shared memory.  Each processor adds to a part of its own: two that add
 * to the same number would wait for each other. */
typedef struct oci_metrics_t {
    oci_counted_t parts[OCI_METRICS_PARTS];
    apr_uint64_t gc_due;  /* registries that this httpd is to collect */
    apr_uint64_t gc_last; /* when a run last succeeded, in seconds */
    oci_metrics_size_t sizes[OCI_METRICS_REGISTRIES];
    oci_metrics_process_t processes[OCI_METRICS_PROCESSES];
} oci_metrics_t;

/** The upper limits of the buckets of durations, in microseconds, and of sizes,
 * in bytes; 0 ends the list. */
extern const apr_uint64_t oci_metrics_duration_limits[];
extern const apr_uint64_t oci_metrics_size_limits[];

/**
 * Create the shared memory, or find that of the previous generation, if the
 * configuration has a handler that shows it.
 * @param main_server Its configuration gets the memory.  A failure is logged,
 *        and nothing is counted
 */
void oci_metrics_start(server_rec *main_server);

/** Give this process its part of the shared memory. */
void oci_metrics_child_init(apr_pool_t *pool, server_rec *main_server);

/** Whether the process that has a part of the shared memory still runs. */
int oci_metrics_process_runs(const oci_metrics_process_t *process);

/** Return the shared memory, NULL if nothing is counted. */
oci_metrics_t *oci_metrics_get(void);

/** Return the part to which this processor adds, NULL if nothing is counted. */
oci_counted_t *oci_metrics_here(void);

/** Add to a number in the shared memory. */
void oci_metrics_increase(apr_uint64_t *number, apr_uint64_t by);

/** Read a number in the shared memory. */
apr_uint64_t oci_metrics_read(const apr_uint64_t *number);

/** Set a number in the shared memory. */
void oci_metrics_set(apr_uint64_t *number, apr_uint64_t value);

/**
 * Add to a counter; does nothing if nothing is counted.
 * @param by How much to add
 */
void oci_metrics_add(oci_metric_e metric, apr_uint64_t by);

/**
 * Add a value to a histogram.
 * @param limits Its limits, as above
 * @param value Microseconds or bytes
 */
void oci_metrics_observe(oci_histogram_t *histogram, const apr_uint64_t *limits,
                         apr_uint64_t value);

/** The names of the providers in oci_metrics_t; the last one is "other". */
extern const char *const oci_metrics_drivers[];

/**
 * Return the number of a provider in oci_metrics_t.
 * @param name As in the configuration, with or without ":" and a type
 */
int oci_metrics_driver(const char *name);

/**
 * Count a call of a blob store or an index.
 * @param driver As oci_metrics_driver returned it
 * @param begun When it was made
 * @param failed Whether it failed
 */
void oci_metrics_storage(int driver, oci_storage_action_e action,
                         apr_time_t begun, int failed);

/** Count how an index uses the connections to its database. */
oci_dbd_observer_t oci_metrics_connection;

/** Change the number of requests that this process serves.
 * @param handler Their label
 * @param by 1 or -1 */
void oci_metrics_in_flight(int handler, int by);

#endif /* OCI_METRICS_H */
