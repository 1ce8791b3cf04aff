/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file s3_multipart.h
 * @brief Multipart uploads: objects that are put in parts
 *
 *     create -> put ... -> complete | abort
 *
 * The object appears when the upload is completed.  s3_client.h lists the
 * statuses that these functions return.
 */

#ifndef OCI_S3_MULTIPART_H
#define OCI_S3_MULTIPART_H

#include <sys/uio.h>

#include "apr_errno.h"
#include "apr_pools.h"
#include "apr_tables.h"
#include "apr_time.h"

#include "s3/s3_client.h"

/** The name of an upload. */
typedef struct oci_s3_multipart_t {
    const char *key;
    const char *id; /* made by the server */
} oci_s3_multipart_t;

/** A part that is put. */
typedef struct oci_s3_part_t {
    int number;               /* 1..OCI_S3_PARTS */
    const struct iovec *body; /* see oci_s3_put_t */
    int count;
    const char *sha256; /* of the body, in hexadecimal; NULL: computed */
} oci_s3_part_t;

/** A part that has been put. */
typedef struct oci_s3_part_done_t {
    const char *etag;   /* with its quotation marks */
    const char *sha256; /* needed only with OCIS3Checksums On; or NULL */
} oci_s3_part_done_t;

/** An upload in a listing. */
typedef struct oci_s3_pending_t {
    oci_s3_multipart_t upload;
    apr_time_t started; /* 0 if not sent */
} oci_s3_pending_t;

/** A page of a listing of uploads.  To go on, pass the page again. */
typedef struct oci_s3_uploads_t {
    apr_array_header_t *uploads; /* of oci_s3_pending_t */
    const char *next_key;        /* NULL at the end, and before the first page:
                                    zero the struct */
    const char *next_id;
} oci_s3_uploads_t;

/**
 * Begin an upload.
 * @param upload Its key is given; its id is set, in pool
 */
apr_status_t oci_s3_multipart_create(oci_s3_multipart_t *upload,
                                     const oci_s3_call_t *call,
                                     apr_pool_t *pool);

/**
 * Put a part; it replaces an earlier one of the same number.
 * @param etag Set to its ETag, in pool
 * @return A status; APR_NOTFOUND if there is no such upload
 */
apr_status_t oci_s3_multipart_put(const char **etag, const oci_s3_call_t *call,
                                  const oci_s3_multipart_t *upload,
                                  const oci_s3_part_t *part, apr_pool_t *pool);

/**
 * Complete an upload.
 *
 * If the answer is lost, or is not one, the object is looked at: if it has the
 * size of this upload, the upload is complete; otherwise the request is
 * repeated until the deadline.  The key should therefore be one that is written
 * once only.
 *
 * @param parts Of oci_s3_part_done_t: the parts 1, 2, 3 ...
 * @param size Of all parts together, bytes
 * @return A status; APR_NOTFOUND if there is neither the upload nor the object,
 *         or if the parts are not those that were put; APR_EEXIST if there is
 *         no such upload, but an object of this size: an earlier call has
 *         completed it.  Whether its bytes are those of these parts is not
 *         known
 */
apr_status_t oci_s3_multipart_complete(const oci_s3_call_t *call,
                                       const oci_s3_multipart_t *upload,
                                       const apr_array_header_t *parts,
                                       apr_off_t size, apr_pool_t *pool);

/** Abort an upload.  If there is none, the status is APR_SUCCESS. */
apr_status_t oci_s3_multipart_abort(const oci_s3_call_t *call,
                                    const oci_s3_multipart_t *upload,
                                    apr_pool_t *pool);

/**
 * List the uploads that are neither completed nor aborted.  The list is empty
 * if the server cannot list them.
 * @param uploads Zero for the first page, then the page before; set to the
 *        next page, in pool
 * @param prefix Only keys that begin with it; "" for all
 */
apr_status_t oci_s3_multipart_list(oci_s3_uploads_t *uploads,
                                   const oci_s3_call_t *call,
                                   const char *prefix, apr_pool_t *pool);

#endif /* OCI_S3_MULTIPART_H */
