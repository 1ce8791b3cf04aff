/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file copy_blobs.h
 * @brief Copies the blobs of a blob store to another one
 */

#ifndef OCI_COPY_BLOBS_H
#define OCI_COPY_BLOBS_H

#include "admin/copy_request.h"
#include "admin/ociadmin.h"

/** Copy a blob store, comparing each blob with its digest, and print a report.
 * The parameters and the result are those of a command. */
oci_outcome_e oci_copy_blobs(const char **error,
                             const oci_copy_request_t *request,
                             apr_pool_t *pool);

#endif /* OCI_COPY_BLOBS_H */
