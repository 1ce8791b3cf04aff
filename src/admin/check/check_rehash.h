/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file check_rehash.h
 * @brief Reads the bytes of many blobs, in one thread for each processor
 */

#ifndef OCI_CHECK_REHASH_H
#define OCI_CHECK_REHASH_H

#include "admin/check/check_run.h"

typedef struct oci_rehash_t oci_rehash_t;

/**
 * Called for each blob that was read, in the thread that calls oci_rehash_add
 * or oci_rehash_end.
 * @param status Why the bytes could not be read, or APR_SUCCESS
 * @param pool For temporary data
 * @return An error that ends the run
 */
typedef oci_error_t *oci_rehash_done_t(oci_check_t *check, const char *digest,
                                       const oci_hashed_t *hashed,
                                       apr_status_t status, apr_pool_t *pool);

/**
 * Start the threads.
 * @param pool The threads end with it at the latest
 * @return An error if there are no threads
 */
oci_error_t *oci_rehash_start(oci_rehash_t **rehash, oci_check_t *check,
                              oci_rehash_done_t *done, apr_pool_t *pool);

/**
 * Have a blob read.  Waits while many others are.
 * @return An error of the function that is called for each blob
 */
oci_error_t *oci_rehash_add(oci_rehash_t *rehash, const char *digest,
                            const char *locator);

/**
 * Wait until all blobs are read, and end the threads.
 * @return As oci_rehash_add
 */
oci_error_t *oci_rehash_end(oci_rehash_t *rehash);

#endif /* OCI_CHECK_REHASH_H */
