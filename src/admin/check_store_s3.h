/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file check_store_s3.h
 * @brief What "check-store" tries with a bucket beyond what each blob store
 * does
 *
 * The functions that return a sentence return NULL if the bucket can do it.
 */

#ifndef OCI_CHECK_STORE_S3_H
#define OCI_CHECK_STORE_S3_H

#include "admin/stores.h"

/** A bucket, and what is tried with it. */
typedef struct oci_bucket_check_t oci_bucket_check_t;

/**
 * Prepare to check the bucket of a blob store.
 * @param check Set to NULL if the store is not one of the provider "s3"
 * @param stores The blob store, which is found and may be used
 * @param name Begins with a stamp, and is new: for keys
 * @return NULL, or a sentence that says what is wrong
 */
const char *oci_bucket_check_make(oci_bucket_check_t **check,
                                  const oci_stores_t *stores, const char *name);

/** Return where the bucket is, and in which region, from pool. */
const char *oci_bucket_check_describe(const oci_bucket_check_t *check,
                                      apr_pool_t *pool);

/** Put two objects, list from the first one on, and delete both. */
const char *oci_bucket_check_pages(const oci_bucket_check_t *check,
                                   apr_pool_t *pool);

/**
 * Put an object twice, where it must not exist.
 * @param note Set to a sentence if the server ignores this condition
 */
const char *oci_bucket_check_conditions(const char **note,
                                        const oci_bucket_check_t *check,
                                        apr_pool_t *pool);

/**
 * Begin a multipart upload, put a part, list the upload, and abort it.
 * @param note Set to a sentence if the server cannot list uploads
 */
const char *oci_bucket_check_multipart(const char **note,
                                       const oci_bucket_check_t *check,
                                       apr_pool_t *pool);

/**
 * Add what a policy must allow to a sentence, if the server refused a request.
 * @param check NULL leaves the sentence as it is
 * @param status Of the request
 * @param actions Such as "s3:PutObject"
 */
const char *oci_bucket_check_advise(const oci_bucket_check_t *check,
                                    const char *sentence, apr_status_t status,
                                    const char *actions, apr_pool_t *pool);

#endif /* OCI_CHECK_STORE_S3_H */
