/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file s3_key_source.h
 * @brief Where credentials are read: once, without a cache
 *
 * Each source returns APR_SUCCESS; APR_ENOENT if this host has no such source;
 * APR_EACCES if it has, but no credentials are there; APR_ECONNREFUSED or
 * APR_TIMEUP if a service cannot be reached.  Each error comes with a sentence
 * in the pool under OCI_REASON, which contains no secret.
 */

#ifndef OCI_S3_KEY_SOURCE_H
#define OCI_S3_KEY_SOURCE_H

#include "apr_errno.h"
#include "apr_pools.h"
#include "apr_time.h"

#include "s3/s3_client.h"
#include "s3/s3_settings.h"
#include "s3/s3_sign.h"

/** A query for credentials. */
typedef struct oci_s3_key_query_t {
    const oci_s3_settings_t *settings;
    oci_s3_transport_t *transport;
    apr_time_t deadline; /* of oci_s3_now() */
    apr_pool_t *pool;    /* of the credentials and of the sentence */
} oci_s3_key_query_t;

/** Read AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN. */
apr_status_t oci_s3_keys_of_environment(oci_s3_keys_t *keys,
                                        const oci_s3_key_query_t *query);

/**
 * Read a profile of a credentials file:
 *
 *     [default]
 *     aws_access_key_id = ...
 *     aws_secret_access_key = ...
 *     aws_session_token = ...
 *
 * The file is that of OCIS3Credentials, or AWS_SHARED_CREDENTIALS_FILE, or
 * ~/.aws/credentials; the profile that of OCIS3Credentials, or AWS_PROFILE, or
 * "default".
 */
apr_status_t oci_s3_keys_of_file(oci_s3_keys_t *keys,
                                 const oci_s3_key_query_t *query);

/** Return the path of that file; NULL if none is configured. */
const char *oci_s3_keys_file(const oci_s3_settings_t *settings,
                             apr_pool_t *pool);

/** Ask the credentials service of a container in ECS or EKS: the URL of
 * AWS_CONTAINER_CREDENTIALS_FULL_URI or ..._RELATIVE_URI. */
apr_status_t oci_s3_keys_of_container(oci_s3_keys_t *keys,
                                      const oci_s3_key_query_t *query);

/** Ask the metadata service of an EC2 instance, version 2; its URL may be in
 * AWS_EC2_METADATA_SERVICE_ENDPOINT. */
apr_status_t oci_s3_keys_of_instance(oci_s3_keys_t *keys,
                                     const oci_s3_key_query_t *query);

/** Exchange the token in AWS_WEB_IDENTITY_TOKEN_FILE for credentials of the
 * role AWS_ROLE_ARN, at STS; its URL may be in AWS_ENDPOINT_URL_STS. */
apr_status_t oci_s3_keys_of_web_identity(oci_s3_keys_t *keys,
                                         const oci_s3_key_query_t *query);

/** Return an environment variable, or NULL if it is not set or empty. */
const char *oci_s3_keys_variable(const char *name);

/**
 * Store a sentence under OCI_REASON.
 * @return status
 */
apr_status_t oci_s3_keys_refuse(const oci_s3_key_query_t *query,
                                apr_status_t status, const char *sentence);

/** What a source calls the values of credentials, for sentences. */
typedef struct oci_s3_key_names_t {
    const char *id;
    const char *secret;
    const char *token;
} oci_s3_key_names_t;

/**
 * Find out whether credentials are complete, and may be put into headers.
 * @param keys The credentials; a missing one is NULL
 * @param names What their source calls them
 * @param pool For the sentence
 * @return NULL, or the end of a sentence that begins with their source, such as
 *         "is not complete: expected ..."
 */
const char *oci_s3_keys_fault(const oci_s3_keys_t *keys,
                              const oci_s3_key_names_t *names,
                              apr_pool_t *pool);

/**
 * Find out whether bytes can be those of a text file.
 * @param size Of the first bytes of a file, or of all
 * @return NULL, or a sentence about the file, "it ..."
 */
const char *oci_s3_text_fault(const char *bytes, apr_size_t size,
                              apr_pool_t *pool);

/**
 * Read a small text file, such as one with a token.
 * @param text Set to its content without blanks at its end, in pool
 * @param why If it cannot be read: set to the reason, for a sentence
 * @return APR_SUCCESS; APR_EINVAL if it is too large or not a text; or an error
 *         of the system
 */
apr_status_t oci_s3_keys_read_file(char **text, const char **why,
                                   const char *path, apr_pool_t *pool);

#endif /* OCI_S3_KEY_SOURCE_H */
