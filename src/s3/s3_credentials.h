/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file s3_credentials.h
 * @brief The credentials of a process: read, cached, renewed before they expire
 */

#ifndef OCI_S3_CREDENTIALS_H
#define OCI_S3_CREDENTIALS_H

#include "apr_errno.h"
#include "apr_pools.h"
#include "apr_time.h"

#include "s3/s3_client.h"
#include "s3/s3_settings.h"
#include "s3/s3_sign.h"

/**
 * Create an empty cache.
 * @param settings,transport Live as long as pool
 * @return APR_SUCCESS, or an error of the system
 */
apr_status_t oci_s3_credentials_create(oci_s3_credentials_t **credentials,
                                       const oci_s3_settings_t *settings,
                                       oci_s3_transport_t *transport,
                                       apr_pool_t *pool);

/**
 * Get credentials that are valid now.  One thread reads or renews them; the
 * others wait for it only if there are no valid ones.
 * @param keys Filled in, in pool
 * @param deadline Of oci_s3_now(): how long to wait for a metadata service
 * @return APR_SUCCESS; APR_EACCES if there are none; APR_ECONNREFUSED,
 *         APR_TIMEUP; with a sentence under OCI_REASON
 */
apr_status_t oci_s3_credentials_get(oci_s3_keys_t *keys,
                                    oci_s3_credentials_t *credentials,
                                    apr_time_t deadline, apr_pool_t *pool);

/**
 * Discard cached credentials, because the server no longer accepts them.
 * @param id Of the access key; if others are cached by now, they stay
 */
void oci_s3_credentials_discard(oci_s3_credentials_t *credentials,
                                const char *id);

#endif /* OCI_S3_CREDENTIALS_H */
