/* SPDX-License-Identifier: Apache-2.0 */

/* Pauses of a client that sends a body. */

#include "httpd.h"
#include "http_core.h"
#include "apr_network_io.h"
#include "apr_support.h"

#include "api/pause.h"

struct oci_pause_t {
    apr_socket_t *socket;
    apr_interval_time_t length; /* of the next pause */
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
    watch->length = apr_time_from_sec(1);
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
    apr_socket_timeout_set(watch->socket, watch->length);
    rv = apr_wait_for_io_or_timeout(NULL, watch->socket, 1);
    apr_socket_timeout_set(watch->socket, timeout);
    if (!APR_STATUS_IS_TIMEUP(rv)) {
        return APR_SUCCESS;
    }
    watch->length *= 2;
    return APR_TIMEUP;
}
