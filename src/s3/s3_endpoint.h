/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file s3_endpoint.h
 * @brief Endpoints: from the URL of a server to the URLs of objects
 */

#ifndef OCI_S3_ENDPOINT_H
#define OCI_S3_ENDPOINT_H

#include "apr_pools.h"

#include "s3/s3_settings.h"

/** Where the name of the bucket is in a URL. */
typedef enum oci_s3_style_e {
    OCI_S3_STYLE_AUTO, /* in the host at AWS, otherwise in the path */
    OCI_S3_STYLE_PATH, /* https://server/bucket/key */
    OCI_S3_STYLE_HOST  /* https://bucket.server/key, except with an address */
} oci_s3_style_e;

/**
 * Check the URL of a server: http or https, a host, and optionally a port and a
 * path.
 * @return 1 if it is valid, otherwise 0
 */
int oci_s3_endpoint_check(const char *url);

/**
 * Make an endpoint.
 * @param endpoint Filled in, in pool
 * @param settings Its bucket and its region are used
 * @param url Valid; NULL for AWS in that region
 */
void oci_s3_endpoint_make(oci_s3_endpoint_t *endpoint,
                          const oci_s3_settings_t *settings, const char *url,
                          oci_s3_style_e style, apr_pool_t *pool);

#endif /* OCI_S3_ENDPOINT_H */
