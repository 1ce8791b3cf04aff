/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file s3_handles.h
 * @brief Handles of libcurl, each with its connections, that are used again
 *
 * All threads of a process share the idle handles.  After a fork the child
 * starts with none, and leaves those of its parent alone: their connections are
 * not the child's to close.
 */

#ifndef OCI_S3_HANDLES_H
#define OCI_S3_HANDLES_H

#include "apr_errno.h"
#include "apr_pools.h"

/** The idle handles of a process. */
typedef struct oci_s3_handles_t oci_s3_handles_t;

/** A handle of libcurl, which one thread at a time uses. */
typedef struct oci_s3_handle_t oci_s3_handle_t;
struct oci_s3_handle_t {
    void *easy;  /* a CURL */
    void *multi; /* the CURLM that has its connections */
    oci_s3_handle_t *next;
};

/**
 * Create an empty set of handles.
 * @param handles Set to it; its connections are closed when pool is cleared
 * @return APR_SUCCESS, or an error of the system
 */
apr_status_t oci_s3_handles_create(oci_s3_handles_t **handles,
                                   apr_pool_t *pool);

/** Take an idle handle, or create one; NULL if there is no memory. */
oci_s3_handle_t *oci_s3_handles_take(oci_s3_handles_t *handles);

/**
 * Give a handle back.
 * @param reusable 0 if its connection must be closed
 */
void oci_s3_handles_give(oci_s3_handles_t *handles, oci_s3_handle_t *handle,
                         int reusable);

#endif /* OCI_S3_HANDLES_H */
