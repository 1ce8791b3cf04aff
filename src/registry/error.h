/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file error.h
 * @brief The errors of a registry
 */

#ifndef OCI_ERROR_H
#define OCI_ERROR_H

#include "apr_errno.h"
#include "apr_pools.h"

/**
 * The table in api/reply.c gives each of these one code of the specification
 * and one HTTP status.
 */
typedef enum {
    OCI_E_BLOB_UNKNOWN,
    OCI_E_BLOB_CHANGED, /* a precondition of the request failed */
    OCI_E_UPLOAD_UNKNOWN,
    OCI_E_UPLOAD_INVALID, /* the request is not valid for the upload */
    OCI_E_UPLOAD_RANGE,   /* wrong offset, or another request is writing */
    OCI_E_RANGE_UNSATISFIABLE,
    OCI_E_DIGEST_INVALID,
    OCI_E_MANIFEST_BLOB_UNKNOWN,
    OCI_E_MANIFEST_INVALID,
    OCI_E_MANIFEST_UNKNOWN,
    OCI_E_MANIFEST_TOO_LARGE,
    OCI_E_MANIFEST_CHANGED, /* a precondition of the request failed */
    OCI_E_NAME_INVALID,
    OCI_E_NAME_UNKNOWN,
    OCI_E_TAG_INVALID,
    OCI_E_TAG_IMMUTABLE,
    OCI_E_SIZE_INVALID,
    OCI_E_TOO_LARGE,
    OCI_E_BODY_INCOMPLETE, /* the client stopped before its end */
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

/** An error.  Functions that return a pointer to one return NULL on success. */
typedef struct oci_error_t oci_error_t;
struct oci_error_t {
    oci_error_e code;
    const char *message; /* for the client: a sentence */
    const char *key;     /* for the client: the detail {key: value}, or NULL */
    const char *value;   /* likewise */
    const char *note;    /* for the log only: what failed, with path; or NULL */
    apr_status_t status; /* for the log only: the cause, or APR_SUCCESS */
    int locked;          /* whether waiting for a lock took too long */
    int in_blobs;        /* whether the blob store failed to hold an upload */
    oci_error_t *next;   /* a further error of the same code, or NULL */
};

/** For notes: how lost content is restored. */
#define OCI_PUSH_AGAIN                                                      \
    "push it again; some clients send nothing if the registry already has " \
    "the image's manifest: in that case delete the tag first, or see \"A "  \
    "damaged store\" in conf/README"

/**
 * Create an error to report to the client.
 * @param pool Owns the error
 * @param key The name of the detail, or NULL for none; not copied
 * @param value The value of the detail, or NULL; not copied
 * @param format The message, as for apr_psprintf
 * @return The error, never NULL
 */
oci_error_t *oci_error_make(apr_pool_t *pool, oci_error_e code, const char *key,
                            const char *value, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/**
 * Create an error for a failure of storage.  Its code is OCI_E_STORAGE_FULL
 * for ENOSPC and EDQUOT, OCI_E_TOO_LARGE for EFBIG, OCI_E_UNAVAILABLE for
 * ECONNREFUSED and APR_TIMEUP, and otherwise OCI_E_INTERNAL.  The other headers
 * of the registry call these codes "a storage error".
 * @param pool Owns the error; the pool that the provider was called with, in
 *        which it may have left its reason (OCI_REASON), which is added to the
 *        note, instead of the status, and removed from the pool; and for EFBIG
 *        its limit (OCI_LIMIT), likewise for the message
 * @param status The provider's status, or APR_SUCCESS if the note has the cause
 * @param format The note, as for apr_psprintf: the operation and the path
 * @return The error, never NULL
 */
oci_error_t *oci_error_storage(apr_pool_t *pool, apr_status_t status,
                               const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/**
 * Return an error as a sentence for an administrator: the note with the cause.
 * Without a status, or with APR_EGENERAL, the note has the cause; without a
 * note, it is the message.
 * @param pool For the result
 */
const char *oci_error_text(const oci_error_t *error, apr_pool_t *pool);

#endif /* OCI_ERROR_H */
