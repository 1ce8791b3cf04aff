/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file s3_memory.h
 * @brief The buffers in which the uploads of a process gather their parts
 */

#ifndef OCI_S3_MEMORY_H
#define OCI_S3_MEMORY_H

#include "apr_errno.h"
#include "apr_pools.h"
#include "apr_time.h"

/** The buffers of a process; each child of httpd has its own. */
typedef struct oci_s3_memory_t oci_s3_memory_t;

/**
 * Create an account of buffers; it allocates none.
 * @param part The size of each buffer in bytes
 * @param most How many bytes all buffers have together at most; there is one
 *        buffer in any case
 * @param pool Its end frees the buffers that are not in use
 * @return APR_SUCCESS, or an error of the system
 */
apr_status_t oci_s3_memory_create(oci_s3_memory_t **memory, apr_size_t part,
                                  apr_off_t most, apr_pool_t *pool);

/** Return the size of each buffer in bytes. */
apr_size_t oci_s3_memory_part(const oci_s3_memory_t *memory);

/**
 * Take a buffer.  If all are in use, wait until another upload gives one back.
 * @param buffer Set to it
 * @param wait For how long at most, in microseconds
 * @return APR_TIMEUP if none became free; APR_ENOMEM
 */
apr_status_t oci_s3_memory_take(char **buffer, oci_s3_memory_t *memory,
                                apr_interval_time_t wait);

/** Give a buffer back; NULL does nothing. */
void oci_s3_memory_give(oci_s3_memory_t *memory, char *buffer);

#endif /* OCI_S3_MEMORY_H */
