/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file pause.h
 * @brief Pauses of a client that sends a body
 */

#ifndef OCI_PAUSE_H
#define OCI_PAUSE_H

#include "httpd.h"

/** A client that is watched for pauses. */
typedef struct oci_pause_t oci_pause_t;

/**
 * Watch the client of a request for pauses in its body.
 * @return NULL if this is not possible: in HTTP/2 a connection has many
 *         requests, and the socket tells nothing of one
 */
oci_pause_t *oci_pause_watch(const request_rec *r);

/**
 * Wait until the client has sent something, or until the connection has ended,
 * but for one second at most.
 * @return APR_SUCCESS if the caller should try to read, and then call this
 *         again; APR_TIMEUP if the client makes a pause: the first one takes
 *         one second, and each further one twice the time, so that a slow
 *         client makes few of them; APR_ENOTIMPL if the connection would time
 *         out before the next pause
 */
apr_status_t oci_pause_wait(oci_pause_t *watch);

#endif /* OCI_PAUSE_H */
