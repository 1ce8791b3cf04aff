/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file copy_report.h
 * @brief What "copy --blobs" prints at its end
 */

#ifndef OCI_COPY_REPORT_H
#define OCI_COPY_REPORT_H

#include "apr_time.h"

#include "admin/copy_blob.h"

/**
 * Print what a copy has done, for people or as a line of JSON.
 * @param begun When it began
 */
void oci_copy_report(const oci_blob_copy_t *copy, apr_time_t begun);

#endif /* OCI_COPY_REPORT_H */
