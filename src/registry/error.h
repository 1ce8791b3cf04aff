/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file error.h
 * @brief What can go wrong in a registry
 */

#ifndef OCI_ERROR_H
#define OCI_ERROR_H

#include "apr_errno.h"
#include "apr_pools.h"

/**
 * Each has one code of the specification and one HTTP status, in the table
 * of api/reply.c.
 */
typedef enum {
    OCI_E_BLOB_UNKNOWN,
    OCI_E_BLOB_CHANGED, /* a precondition does not hold */
    OCI_E_UPLOAD_UNKNOWN,
    OCI_E_UPLOAD_INVALID, /* the request makes no sense for it */
    OCI_E_UPLOAD_RANGE,   /* not where the upload stands, or busy */
    OCI_E_RANGE_UNSATISFIABLE,
    OCI_E_DIGEST_INVALID,
    OCI_E_MANIFEST_BLOB_UNKNOWN,
    OCI_E_MANIFEST_INVALID,
    OCI_E_MANIFEST_UNKNOWN,
    OCI_E_MANIFEST_TOO_LARGE,
    OCI_E_MANIFEST_CHANGED, /* a precondition does not hold */
    OCI_E_NAME_INVALID,
    OCI_E_NAME_UNKNOWN,
    OCI_E_TAG_INVALID,
    OCI_E_SIZE_INVALID,
    OCI_E_TOO_LARGE,
    OCI_E_BODY_INCOMPLETE, /* the client stopped in its middle */
    OCI_E_REQUEST_INVALID, /* a parameter or header is malformed */
    OCI_E_URI_TOO_LONG,
    OCI_E_TIMEOUT,
    OCI_E_ENDPOINT_UNKNOWN,
    OCI_E_METHOD_UNSUPPORTED,
    OCI_E_UNAUTHORIZED,
    OCI_E_DENIED,
    OCI_E_TOO_MANY_REQUESTS,
    OCI_E_STORAGE_FULL,
    OCI_E_UNAVAILABLE,
    OCI_E_INTERNAL,
    OCI_E_COUNT
} oci_error_e;

/** An error; NULL stands for success. */
typedef struct oci_error_t oci_error_t;
struct oci_error_t {
    oci_error_e code;
    const char *message; /* for the client: what was wrong */
    const char *key;     /* for the client, in detail: {key: value} */
    const char *value;   /*   or NULL */
    const char *note;    /* for the log alone: what failed where; or NULL */
    apr_status_t status; /* for the log: why */
    oci_error_t *next;   /* another of the same kind, or NULL */
};

/**
 * A client's error.
 * @param key,value The detail, or NULL
 * @param format The message, as for apr_psprintf
 */
oci_error_t *oci_error_make(apr_pool_t *pool, oci_error_e code, const char *key,
                            const char *value, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/**
 * A failure of storage: OCI_E_STORAGE_FULL or OCI_E_UNAVAILABLE where status
 * says so, else OCI_E_INTERNAL.
 * @param status What the provider returned
 * @param format What was done, and to which path; for the log alone
 * @param pool The one that the provider was given, where it left its reason
 */
oci_error_t *oci_error_storage(apr_pool_t *pool, apr_status_t status,
                               const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif /* OCI_ERROR_H */
