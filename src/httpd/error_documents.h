/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file error_documents.h
 * @brief Keeping ErrorDocument from replacing a registry's error responses
 */

#ifndef OCI_ERROR_DOCUMENTS_H
#define OCI_ERROR_DOCUMENTS_H

#include "httpd.h"
#include "http_config.h"

/** Return 1 if a section's configuration has an ErrorDocument. */
int oci_error_documents_exist(const ap_conf_vector_t *config);

/** Disable ErrorDocument for a request. */
void oci_error_documents_mask(request_rec *r);

/** Enable ErrorDocument again, for a request that is not for a registry. */
void oci_error_documents_unmask(request_rec *r);

#endif /* OCI_ERROR_DOCUMENTS_H */
