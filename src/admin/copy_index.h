/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file copy_index.h
 * @brief Copies an index to another provider or location
 */

#ifndef OCI_COPY_INDEX_H
#define OCI_COPY_INDEX_H

#include "admin/copy_request.h"
#include "admin/ociadmin.h"

/** Copy an index, compare the copy, and print a report.  The parameters and the
 * result are those of a command. */
oci_outcome_e oci_copy_index(const char **error,
                             const oci_copy_request_t *request,
                             apr_pool_t *pool);

#endif /* OCI_COPY_INDEX_H */
