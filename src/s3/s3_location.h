/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file s3_location.h
 * @brief The location of a bucket, such as "s3://bucket/prefix"
 */

#ifndef OCI_S3_LOCATION_H
#define OCI_S3_LOCATION_H

#include "apr_pools.h"

/**
 * Check that a location is one of a bucket, but not the names in it.
 * @param location May be NULL, which is not valid
 * @return NULL, or a sentence that says what is wrong
 */
const char *oci_s3_location_check(const char *location, apr_pool_t *pool);

/**
 * Take a location apart.
 * @param bucket_part Set to the name of the bucket, in pool
 * @param prefix_part Set to the prefix with a "/" at its end, or to ""
 * @param location May be NULL, which is not valid
 * @return NULL, or a sentence that says what is wrong
 */
const char *oci_s3_location_parse(const char **bucket_part,
                                  const char **prefix_part,
                                  const char *location, apr_pool_t *pool);

#endif /* OCI_S3_LOCATION_H */
