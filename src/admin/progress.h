/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file progress.h
 * @brief Progress reports on standard error
 *
 * On a terminal one line is updated four times a second.  A file or a pipe
 * gets a new line every five seconds.
 */

#ifndef OCI_PROGRESS_H
#define OCI_PROGRESS_H

#include "apr_pools.h"
#include "apr_time.h"

typedef struct oci_progress_t oci_progress_t;

/**
 * Create a progress report.
 * @param quiet Whether to print nothing at all
 * @param pool Where the report is allocated
 */
oci_progress_t *oci_progress_create(int quiet, apr_pool_t *pool);

/**
 * Begin a task: reset the clock for its rate.
 * @param name The task's name, such as "copying"; not copied
 */
void oci_progress_begin(oci_progress_t *progress, const char *name);

/**
 * Set what the task counts, until now "facts".
 * @param items A plural; not copied
 */
void oci_progress_count(oci_progress_t *progress, const char *items);

/**
 * Print the progress of the task, unless it was printed a moment ago.
 * @param count The number of facts, or other items, processed so far
 * @param bytes Their size
 */
void oci_progress_show(oci_progress_t *progress, apr_uint64_t count,
                       apr_uint64_t bytes);

/** End the line on a terminal, so that later output begins a new one. */
void oci_progress_end(oci_progress_t *progress);

/** Format a number of bytes for people, in bytes or MiB; from pool. */
const char *oci_progress_format_bytes(apr_uint64_t bytes, apr_pool_t *pool);

#endif /* OCI_PROGRESS_H */
