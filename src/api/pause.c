/* SPDX-License-Identifier: Apache-2.0 */

/* Pauses of a client that sends a body. */

#include "httpd.h"
#include "http_core.h"
#include "apr_network_io.h"
#include "apr_support.h"

#include "api/pause.h"

/* The longest wait: mod_reqtimeout looks at its limit in each attempt to read.
 */
#define STEP apr_time_from_sec(1)

struct oci_pause_t {
    apr_socket_t *socket;
    apr_interval_time_t length; /* of the next pause */
    apr_interval_time_t waited; /* without a byte */
};

oci_pause_t *oci_pause_watch(const request_rec *r)
{
    apr_socket_t *socket = ap_get_conn_socket(r->connection);
    oci_pause_t *watch;

    if (r->connection->master || !socket) {
        return NULL;
    }
    watch = apr_palloc(r->pool, sizeof(*watch));
    watch->socket = socket;
    watch->length = STEP;
    watch->waited = 0;
    return watch;
}

apr_status_t oci_pause_wait(oci_pause_t *watch)
{
    apr_interval_time_t timeout;
    apr_status_t rv;

    apr_socket_timeout_get(watch->socket, &timeout);
    if (timeout >= 0 && timeout <= watch->length) {
        return APR_ENOTIMPL;
    }
    apr_socket_timeout_set(watch->socket, STEP);
    rv = apr_wait_for_io_or_timeout(NULL, watch->socket, 1);
    apr_socket_timeout_set(watch->socket, timeout);
    watch->waited += STEP;
    if (!APR_STATUS_IS_TIMEUP(rv)) {
        watch->waited = 0;
    }
    else if (watch->waited >= watch->length) {
        watch->waited = 0;
        watch->length *= 2;
        return APR_TIMEUP;
    }
    return APR_SUCCESS;
}
