/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file ls_content.h
 * @brief Lists the tags, the untagged manifests or the referrers of a
 *        repository
 */

#ifndef OCI_LS_CONTENT_H
#define OCI_LS_CONTENT_H

#include "admin/reference.h"

typedef enum { OCI_LS_TAGS, OCI_LS_UNTAGGED, OCI_LS_REFERRERS } oci_ls_e;

/**
 * Print a list to standard output, in the order of tags or digests.  What
 * cannot be read is reported to standard error, and the list goes on.
 * @param reference Names the repository
 * @param json Whether to print JSON objects instead of columns
 * @param pool For temporary data and the result
 * @return NULL, or a sentence that says what is wrong
 */
const char *oci_ls_content(const oci_reference_t *reference, oci_ls_e kind,
                           int json, apr_pool_t *pool);

#endif /* OCI_LS_CONTENT_H */
