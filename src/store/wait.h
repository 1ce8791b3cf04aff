/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file wait.h
 * @brief How long the built-in providers wait at most
 *
 * Clients such as Docker and containerd give up 30 seconds after the last
 * byte of a request.  A registry that answers 503 before that tells them to
 * come back.  A request that waits for a database does so at most three times
 * in a row before it gives up: for a connection, for a lock, for an answer.
 *
 *     file lock                 OCI_WAIT_FILE
 *     connection, lock, answer  OCI_WAIT_DATABASE_SECONDS each
 */

#ifndef OCI_WAIT_H
#define OCI_WAIT_H

#include "apr_time.h"

/** A lock in a file, in microseconds. */
#define OCI_WAIT_FILE apr_time_from_sec(20)

/** One wait for a database, in seconds. */
#define OCI_WAIT_DATABASE_SECONDS 8

/** A start waits until another httpd has ended a merge; microseconds. */
#define OCI_WAIT_START apr_time_from_sec(600)

/** Microseconds of a clock that nobody sets; it has no date. */
apr_time_t oci_wait_now(void);

#endif /* OCI_WAIT_H */
