/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file check_remote.h
 * @brief Checks what a remote blob store lists, which does not tell the digests
 */

#ifndef OCI_CHECK_REMOTE_H
#define OCI_CHECK_REMOTE_H

#include "admin/check/check_run.h"

/**
 * List a remote store, and note what it has, in check->stored, and what no
 * record names, in check->strays.  Does nothing for a local one.
 * @return An error that ends the run
 */
oci_error_t *oci_check_remote_list(oci_check_t *check);

/**
 * Take the bytes to which a record leads out of check->strays.
 * @param locator In the record
 */
void oci_check_remote_visit(oci_check_t *check, const char *locator);

/**
 * Report the bytes that no record names, after all records were visited.
 * @param pool For temporary data
 * @return An error that ends the run
 */
oci_error_t *oci_check_remote_strays(oci_check_t *check, apr_pool_t *pool);

/**
 * Get the size of a blob's bytes, as blob_size of the store does.  In the first
 * look, bytes of a remote store that were listed with the size that the record
 * has are not looked at again.
 * @param blob Its record
 */
apr_status_t oci_check_blob_size(apr_off_t *size, const oci_check_t *check,
                                 const oci_blob_t *blob, apr_pool_t *pool);

#endif /* OCI_CHECK_REMOTE_H */
