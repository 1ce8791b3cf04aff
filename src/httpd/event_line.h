/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file event_line.h
 * @brief The line of an event in OCIEventLog
 */

#ifndef OCI_EVENT_LINE_H
#define OCI_EVENT_LINE_H

#include "httpd.h"

#include "httpd/event_log.h"
#include "registry/event.h"

/** The longest line, in bytes with its line feed: what a pipe takes as one
 * (PIPE_BUF of Linux). */
#define OCI_EVENT_LINE_MAX 4096

/**
 * Make the line of an event, of at most OCI_EVENT_LINE_MAX bytes.
 * @param r The request that made the change; NULL for garbage collection
 * @param s The server of the registry
 * @param pool For the line, and for temporary data
 * @return The line, which ends with a line feed
 */
const char *oci_event_line(const oci_event_t *event, oci_event_format_e format,
                           request_rec *r, const server_rec *s,
                           apr_pool_t *pool);

#endif /* OCI_EVENT_LINE_H */
