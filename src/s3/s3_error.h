/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file s3_error.h
 * @brief The meaning of an S3 server's response, as a status and a sentence
 */

#ifndef OCI_S3_ERROR_H
#define OCI_S3_ERROR_H

#include "apr_errno.h"
#include "apr_pools.h"

#include "s3/s3_settings.h"
#include "s3/s3_transport.h"

/** The content of an error document. */
typedef struct oci_s3_error_t {
    const char *code;    /* such as "NoSuchKey"; "" if there is none */
    const char *message; /* the server's; "" if there is none */
    const char *region;  /* where the bucket is; NULL if not said */
} oci_s3_error_t;

/** A request that failed. */
typedef struct oci_s3_failure_t {
    const oci_s3_settings_t *settings;
    const char *method;
    const char *key; /* NULL for the bucket itself */
    int attempts;
    apr_status_t result; /* of the last oci_s3_transport_run() */
    const oci_s3_exchange_t *exchange;
    oci_s3_error_t error;
} oci_s3_failure_t;

/**
 * Read the error that a response describes.  A response that is not an error,
 * or has no document, gives empty texts.
 */
void oci_s3_error_read(oci_s3_error_t *error, const oci_s3_exchange_t *exchange,
                       apr_pool_t *pool);

/** Return 1 if the same request may succeed soon. */
int oci_s3_error_transient(const oci_s3_failure_t *failure);

/** Return 1 if the server no longer accepts the credentials of a session. */
int oci_s3_error_expired(const oci_s3_failure_t *failure);

/**
 * Turn a failure into a status, as s3_client.h lists them, and store a sentence
 * in pool under OCI_REASON.
 */
apr_status_t oci_s3_error_explain(const oci_s3_failure_t *failure,
                                  apr_pool_t *pool);

/**
 * Store a sentence about what failed in pool under OCI_REASON.
 * @param why The end of the sentence
 */
void oci_s3_error_say(const oci_s3_failure_t *failure, const char *why,
                      apr_pool_t *pool);

#endif /* OCI_S3_ERROR_H */
