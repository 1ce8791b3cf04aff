/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file s3_object.h
 * @brief Objects: put, get, head, delete, and URLs for clients
 *
 * s3_client.h lists the statuses that these functions return.
 */

#ifndef OCI_S3_OBJECT_H
#define OCI_S3_OBJECT_H

#include <sys/uio.h>

#include "apr_errno.h"
#include "apr_pools.h"
#include "apr_tables.h"
#include "apr_time.h"

#include "s3/s3_client.h"

/** The properties of an object. */
typedef struct oci_s3_info_t {
    apr_off_t size;      /* bytes */
    const char *etag;    /* with its quotation marks; NULL if not sent */
    apr_time_t modified; /* 0 if not sent */
} oci_s3_info_t;

/** An object that is put; all zero but what is needed. */
typedef struct oci_s3_put_t {
    const char *key;
    const struct iovec *body; /* count pieces; not changed before the call
                                 returns, as it may be sent repeatedly */
    int count;
    const char *sha256;   /* of the body, in hexadecimal; NULL: computed */
    const char *if_match; /* only over the object with this ETag, or NULL */
    int if_none;          /* only if there is no object of this key */
} oci_s3_put_t;

/** An object in memory. */
typedef struct oci_s3_content_t {
    const char *data; /* followed by a NUL */
    apr_size_t size;  /* bytes */
    oci_s3_info_t info;
} oci_s3_content_t;

/**
 * Put an object, in one request.
 *
 * If the answer to a conditional put is lost, and the repeated request finds
 * that its condition does not hold, the object is read: if it has the bytes of
 * this put, the put has succeeded.  Bytes that two callers may not both put
 * must therefore differ, for example by a random number.
 *
 * @param etag Set to its ETag, in pool, NULL if not sent; or NULL
 * @return A status; APR_EEXIST if a condition does not hold; APR_NOTFOUND if
 *         if_match is set and there is no object
 */
apr_status_t oci_s3_put(const char **etag, const oci_s3_call_t *call,
                        const oci_s3_put_t *put, apr_pool_t *pool);

/**
 * Read a small object.
 * @param content Filled in, in pool
 * @param limit The most bytes; APR_EGENERAL if the object has more
 */
apr_status_t oci_s3_get(oci_s3_content_t *content, const oci_s3_call_t *call,
                        const char *key, apr_size_t limit, apr_pool_t *pool);

/**
 * Look at an object.
 * @param info Filled in, in pool
 */
apr_status_t oci_s3_head(oci_s3_info_t *info, const oci_s3_call_t *call,
                         const char *key, apr_pool_t *pool);

/** Delete an object.  If there is none, the status is APR_SUCCESS. */
apr_status_t oci_s3_delete(const oci_s3_call_t *call, const char *key,
                           apr_pool_t *pool);

/**
 * Delete any number of objects, up to 1000 in a request; one by one if the
 * server has no such request.  The call's deadline applies to each request.
 * @param keys Of const char *
 * @return APR_SUCCESS if all of them are gone; otherwise the first error, and
 *         the objects after it may or may not be deleted
 */
apr_status_t oci_s3_delete_all(const oci_s3_call_t *call,
                               const apr_array_header_t *keys,
                               apr_pool_t *pool);

/**
 * Sign a URL at the public endpoint, by which a client can GET an object for
 * as long as OCIS3RedirectExpiry says.  The object need not exist; the call's
 * deadline applies to reading the credentials.
 * @param url Set to it, in pool
 */
apr_status_t oci_s3_presign_get(const char **url, const oci_s3_call_t *call,
                                const char *key, apr_pool_t *pool);

#endif /* OCI_S3_OBJECT_H */
