/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file s3_settings.h
 * @brief The settings of a bucket: its location and the OCIS3 directives
 */

#ifndef OCI_S3_SETTINGS_H
#define OCI_S3_SETTINGS_H

#include "apr_pools.h"
#include "apr_tables.h"
#include "apr_time.h"

/** The most parts that one upload can have. */
#define OCI_S3_PARTS 10000

/** Where requests go.  The URL of an object is origin, path, "/" and its key,
 * percent-encoded. */
typedef struct oci_s3_endpoint_t {
    const char *origin; /* scheme, host and port: "https://host:9000" */
    const char *host;   /* the value of the Host header */
    const char *path;   /* "/bucket", or "" if the host names the bucket */
} oci_s3_endpoint_t;

/** Where credentials come from. */
typedef enum oci_s3_source_e {
    OCI_S3_SOURCE_AUTO, /* the first of the others that is configured */
    OCI_S3_SOURCE_ENVIRONMENT,
    OCI_S3_SOURCE_WEB_IDENTITY,
    OCI_S3_SOURCE_FILE,
    OCI_S3_SOURCE_CONTAINER,
    OCI_S3_SOURCE_INSTANCE
} oci_s3_source_e;

/** The encryption at rest that a request asks for. */
typedef enum oci_s3_encryption_e {
    OCI_S3_ENCRYPTION_DEFAULT, /* nothing: the bucket's default applies */
    OCI_S3_ENCRYPTION_AES256,
    OCI_S3_ENCRYPTION_KMS
} oci_s3_encryption_e;

/** The settings of a bucket; they never change. */
typedef struct oci_s3_settings_t {
    const char *bucket;
    const char *prefix;                /* of all keys: "", or it ends with
                                          "/" */
    oci_s3_endpoint_t endpoint;        /* where this process sends requests */
    oci_s3_endpoint_t public_endpoint; /* where clients are redirected to */
    const char *region;
    oci_s3_source_e source;
    const char *credentials_file; /* NULL for the standard file */
    const char *profile;          /* in that file; NULL for AWS_PROFILE, or
                                     "default" */
    const char *ca_file;          /* PEM; NULL for the system's */
    apr_off_t part_size;          /* bytes of each part but the last */
    apr_off_t max_blob;           /* bytes */
    apr_off_t memory;             /* bytes, of all uploads of a process */
    oci_s3_encryption_e encryption;
    const char *kms_key;         /* its id, or NULL for the account's own */
    int checksums;               /* whether to send x-amz-checksum-sha256 */
    int redirect_expiry;         /* seconds */
    apr_interval_time_t timeout; /* the longest silence, microseconds */
} oci_s3_settings_t;

/** The source of settings. */
typedef struct oci_s3_configuration_t {
    const char *location;          /* "s3://bucket" or "s3://bucket/prefix" */
    const apr_table_t *directives; /* the arguments of each directive, by its
                                      name in any case; or NULL */
    const char *base;              /* relative paths of files start here; NULL
                                      for the working directory */
    int environment; /* whether AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL,
                        AWS_REGION and AWS_DEFAULT_REGION stand in for
                        directives that are missing */
} oci_s3_configuration_t;

/**
 * Make settings.
 *
 * The directives are OCIS3Endpoint, OCIS3PublicEndpoint, OCIS3Region,
 * OCIS3Credentials, OCIS3PathStyle, OCIS3CAFile, OCIS3PartSize, OCIS3MaxBlob,
 * OCIS3Memory, OCIS3Encryption, OCIS3Checksums, OCIS3RedirectExpiry and
 * OCIS3Timeout.  Any other name is refused.
 *
 * @param settings Set to them, in pool
 * @return NULL, or a sentence that names the wrong value and says what was
 *         expected
 */
const char *oci_s3_settings_make(const oci_s3_settings_t **settings,
                                 const oci_s3_configuration_t *configuration,
                                 apr_pool_t *pool);

/**
 * Read the argument of one directive, to find out whether it is valid.
 * @param settings Cleared, and set to what the directive says
 * @param name As above
 * @param base Where relative paths of files start; NULL for the working
 *        directory
 * @param pool For settings
 * @return As above
 */
const char *oci_s3_settings_read(oci_s3_settings_t *settings, const char *name,
                                 const char *value, const char *base,
                                 apr_pool_t *pool);

/**
 * Compare the sizes that directives set, and those that they leave as they are,
 * with one another.
 * @param name Set to the directive that does not fit
 * @param directives Each of them is valid
 * @return NULL if the sizes fit, or a sentence that says why this one does not
 */
const char *oci_s3_settings_check_sizes(const char **name,
                                        const apr_table_t *directives,
                                        apr_pool_t *pool);

#endif /* OCI_S3_SETTINGS_H */
