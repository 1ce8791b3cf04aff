/* SPDX-License-Identifier: Apache-2.0 */

/* A client of one bucket, which all threads of a process share. */

#include <time.h>

#include <curl/curl.h>

#include "s3/s3_client.h"
#include "s3/s3_credentials.h"
#include "s3/s3_transport.h"

struct oci_s3_client_t {
    const oci_s3_settings_t *settings;
    oci_s3_transport_t *transport;
    oci_s3_credentials_t *credentials;
};

static apr_status_t clean_up(void *baton)
{
    (void)baton;
    curl_global_cleanup();
    return APR_SUCCESS;
}

apr_status_t oci_s3_initialize(apr_pool_t *pool)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        return APR_EGENERAL;
    }
    apr_pool_cleanup_register(pool, NULL, clean_up, apr_pool_cleanup_null);
    return APR_SUCCESS;
}

apr_status_t oci_s3_client_create(oci_s3_client_t **client,
                                  const oci_s3_settings_t *settings,
                                  apr_pool_t *pool)
{
    oci_s3_client_t *made = apr_pcalloc(pool, sizeof(*made));
    apr_status_t rv;

    made->settings = settings;
    rv = oci_s3_transport_create(&made->transport, settings->ca_file,
                                 settings->timeout, pool);
    if (rv == APR_SUCCESS) {
        rv = oci_s3_credentials_create(&made->credentials, settings,
                                       made->transport, pool);
    }
    *client = made;
    return rv;
}

const oci_s3_settings_t *oci_s3_client_settings(const oci_s3_client_t *client)
{
    return client->settings;
}

oci_s3_transport_t *oci_s3_client_transport(const oci_s3_client_t *client)
{
    return client->transport;
}

oci_s3_credentials_t *oci_s3_client_credentials(const oci_s3_client_t *client)
{
    return client->credentials;
}

apr_time_t oci_s3_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return apr_time_from_sec(now.tv_sec) + now.tv_nsec / 1000;
}
