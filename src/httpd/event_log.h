/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file event_log.h
 * @brief OCIEventLog: a line of JSON for each change, in a file or to a program
 */

#ifndef OCI_EVENT_LOG_H
#define OCI_EVENT_LOG_H

#include "httpd.h"
#include "http_config.h"

#include "registry/registry.h"

typedef enum { OCI_EVENT_JSON, OCI_EVENT_CLOUDEVENTS } oci_event_format_e;

/** The event log of one directive. */
typedef struct oci_event_log_t oci_event_log_t;

/**
 * Make an event log; it is opened by oci_event_logs_open.
 * @param target A path, below ServerRoot if it is relative; or "|" and a
 *        command, as for CustomLog
 * @param line The directive
 * @param pool It lives as long as this pool
 * @return NULL if the path is not valid
 */
oci_event_log_t *oci_event_log_make(const char *target,
                                    oci_event_format_e format,
                                    const ap_directive_t *line,
                                    apr_pool_t *pool);

/**
 * Open the event logs of all servers, as httpd opens its logs: as the user that
 * starts it.
 * @param main_server The first server
 * @return OK; HTTP_INTERNAL_SERVER_ERROR if httpd must not start.  At a reload
 *         a log that cannot be opened is reported, and its events go to the
 *         error log
 */
int oci_event_logs_open(apr_pool_t *pool, server_rec *main_server);

/**
 * Find out for "httpd -t" why the event logs of all servers could not be
 * opened, without opening them; each reason is logged.
 * @param main_server The first server
 * @return OK, or HTTP_INTERNAL_SERVER_ERROR
 */
int oci_event_logs_test(apr_pool_t *pool, server_rec *main_server);

/**
 * Have the changes of a registry logged.
 * @param registry Its listener is set
 * @param log NULL does nothing
 * @param r The request that makes the changes; NULL for garbage collection
 * @param s Whose error log gets what cannot be written
 * @param pool For the listener, and for temporary data
 */
void oci_event_log_attach(oci_registry_t *registry, oci_event_log_t *log,
                          request_rec *r, const server_rec *s,
                          apr_pool_t *pool);

#endif /* OCI_EVENT_LOG_H */
