/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file s3_sign.h
 * @brief AWS Signature Version 4, in a header or in a URL
 *
 * These functions do no I/O and read no clock.
 */

#ifndef OCI_S3_SIGN_H
#define OCI_S3_SIGN_H

#include <sys/uio.h>

#include "apr_pools.h"
#include "apr_tables.h"
#include "apr_time.h"

/** The length of a SHA-256 in hexadecimal, in characters. */
#define OCI_S3_SHA256_LENGTH 64

/** A set of credentials. */
typedef struct oci_s3_keys_t {
    const char *id;
    const char *secret;
    const char *token;  /* of a session; NULL for long-term credentials */
    apr_time_t expires; /* 0 for never */
} oci_s3_keys_t;

/** The credentials, the scope and the time of a signature. */
typedef struct oci_s3_signer_t {
    const oci_s3_keys_t *keys;
    const char *region;
    const char *service; /* "s3" */
    apr_time_t now;      /* of the wall clock */
} oci_s3_signer_t;

/** A request to be signed. */
typedef struct oci_s3_signable_t {
    const char *method;
    const char *path;           /* percent-encoded, begins with "/" */
    const apr_table_t *query;   /* not encoded; NULL for none */
    const apr_table_t *headers; /* all of them are signed; one is Host */
    const char *payload;        /* the body's SHA-256 in hexadecimal */
} oci_s3_signable_t;

/**
 * Percent-encode a text: all bytes except A-Z a-z 0-9 "-" "." "_" "~".
 * @param keep_slashes Whether "/" is not encoded either, as in a path
 */
char *oci_s3_encode(const char *text, int keep_slashes, apr_pool_t *pool);

/**
 * Return a query string with its parameters encoded and sorted, without "?".
 * A parameter without a value ends with "=".
 * @param query Not encoded; NULL for none
 */
char *oci_s3_canonical_query(const apr_table_t *query, apr_pool_t *pool);

/** Return the time in the form of x-amz-date: "20130524T000000Z". */
char *oci_s3_date(apr_time_t time, apr_pool_t *pool);

/**
 * Compute a SHA-256.
 * @param body,count The bytes, in count pieces
 * @return It in hexadecimal, lower case; NULL if OpenSSL fails
 */
char *oci_s3_sha256(const struct iovec *body, int count, apr_pool_t *pool);

/**
 * Sign a request with headers.
 * @param signable Its headers include x-amz-date for the signer's time, and
 *        x-amz-security-token if the keys have a token
 * @return The value of the Authorization header; NULL if OpenSSL fails
 */
char *oci_s3_sign(const oci_s3_signable_t *signable,
                  const oci_s3_signer_t *signer, apr_pool_t *pool);

/**
 * Sign a URL.
 * @param signable Its headers are those that the client will send: only Host;
 *        its payload is ignored
 * @param seconds How long the URL is valid
 * @return The query string of the URL, without "?"; NULL if OpenSSL fails
 */
char *oci_s3_presign(const oci_s3_signable_t *signable,
                     const oci_s3_signer_t *signer, int seconds,
                     apr_pool_t *pool);

#endif /* OCI_S3_SIGN_H */
