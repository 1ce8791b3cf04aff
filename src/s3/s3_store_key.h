/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file s3_store_key.h
 * @brief The keys of a store "s3": directory, id of the upload, "!" and 16
 * random hexadecimal digits
 */

#ifndef OCI_S3_STORE_KEY_H
#define OCI_S3_STORE_KEY_H

#include "apr_errno.h"
#include "apr_pools.h"

#define OCI_S3_BLOBS "blobs/"
#define OCI_S3_TAILS "tails/"

/** Between the id of an upload and the random end of a key; it sorts before all
 * characters of an id. */
#define OCI_S3_MARK '!'

/**
 * Make a random text.
 * @param text Set to it, in pool: two hexadecimal digits for each byte
 * @param bytes How many random bytes it has, at most 32
 * @return An error of the system if it has no random bytes
 */
apr_status_t oci_s3_store_random(const char **text, int bytes,
                                 apr_pool_t *pool);

/**
 * Make a key that was never used.
 * @param directory OCI_S3_BLOBS or OCI_S3_TAILS
 * @param key Set to it, in pool
 * @return An error of the system if it has no random bytes
 */
apr_status_t oci_s3_store_key(const char **key, const char *directory,
                              const char *id, apr_pool_t *pool);

/** Return 1 if a text has exactly the form of the keys in a directory. */
int oci_s3_store_is_key(const char *key, const char *directory);

#endif /* OCI_S3_STORE_KEY_H */
