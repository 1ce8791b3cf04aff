/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file event_check.h
 * @brief Whether the target of an OCIEventLog can be used
 */

#ifndef OCI_EVENT_CHECK_H
#define OCI_EVENT_CHECK_H

#include "httpd.h"

/** What is wrong with a target that is a device, a FIFO or a directory. */
#define OCI_EVENT_NOT_A_FILE                                                   \
    "it is not a regular file, and a write could wait without a limit; use a " \
    "program, such as \"|/bin/cat\""

/**
 * Find out why an event log could not be opened, or must not be where it is.
 * Nothing is opened or changed.
 * @param target As oci_event_log_make resolves it
 * @param main_server The first of the servers that have the stores
 * @param pool For the result, and for temporary data
 * @return NULL, or a sentence that says what is wrong
 */
const char *oci_event_check(const char *target, const server_rec *main_server,
                            apr_pool_t *pool);

#endif /* OCI_EVENT_CHECK_H */
