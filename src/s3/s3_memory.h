/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file s3_memory.h
 * @brief The buffers in which the uploads of a process gather their parts: an
 * account for each store and process
 */

#ifndef OCI_S3_MEMORY_H
#define OCI_S3_MEMORY_H

#include "apr_errno.h"
#include "apr_pools.h"
#include "apr_time.h"

/** The buffers of a store in a process; each child of httpd has its own. */
typedef struct oci_s3_memory_t oci_s3_memory_t;

/**
 * Create an account of buffers; it allocates none.
 * @param part The size of each buffer in bytes
 * @param most How many bytes all buffers have together at most; there is one
 *        buffer in any case
 * @return APR_SUCCESS, or an error of the system
 */
apr_status_t oci_s3_memory_create(oci_s3_memory_t **memory, apr_size_t part,
                                  apr_off_t most, apr_pool_t *pool);

/** Return the size of each buffer in bytes. */
apr_size_t oci_s3_memory_part(const oci_s3_memory_t *memory);

/** Return how many bytes all buffers have together at most. */
apr_off_t oci_s3_memory_most(const oci_s3_memory_t *memory);

/**
 * Take a buffer.  If all are in use, wait until another upload gives one back.
 * One that is larger than the others counts for as many as it has bytes of.
 * @param buffer Set to it
 * @param size The bytes that are needed, at most oci_s3_memory_most()
 * @param wait For how long at most, in microseconds
 * @return APR_TIMEUP if none became free; APR_ENOMEM
 */
apr_status_t oci_s3_memory_take(char **buffer, oci_s3_memory_t *memory,
                                apr_size_t size, apr_interval_time_t wait);

/**
 * Give a buffer back, which frees it; NULL does nothing.
 * @param size With which it was taken, bytes
 */
void oci_s3_memory_give(oci_s3_memory_t *memory, char *buffer, apr_size_t size);

#endif /* OCI_S3_MEMORY_H */
