/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file wait.h
 * @brief How long the built-in providers wait at most
 *
 * Clients such as Docker and containerd give up 30 seconds after the last byte
 * of a request.  A 503 before that tells them to retry.  A request that uses a
 * database waits for it at most three times in a row before it gives up: for a
 * connection, for a lock, for an answer.
 *
 *     file lock                 OCI_WAIT_FILE
 *     connection, lock, answer  OCI_WAIT_DATABASE_SECONDS each
 */

#ifndef OCI_WAIT_H
#define OCI_WAIT_H

#include "apr_time.h"

/** The limit for a file lock, microseconds. */
#define OCI_WAIT_FILE apr_time_from_sec(20)

/** The limit of one wait for a database, seconds. */
#define OCI_WAIT_DATABASE_SECONDS 8

/** How long a start waits for another httpd to finish a merge, microseconds. */
#define OCI_WAIT_START apr_time_from_sec(600)

/** Return microseconds of a monotonic clock, which has no date. */
apr_time_t oci_wait_now(void);

#endif /* OCI_WAIT_H */
