/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file error_documents.h
 * @brief ErrorDocument, which the answers of a registry must not become
 */

#ifndef OCI_ERROR_DOCUMENTS_H
#define OCI_ERROR_DOCUMENTS_H

#include "httpd.h"
#include "http_config.h"

/** Whether a configuration of a directory has an ErrorDocument. */
int oci_error_documents_exist(const ap_conf_vector_t *config);

/** Keep ErrorDocuments away from a request. */
void oci_error_documents_mask(request_rec *r);

/** Give a request that is not for a registry its ErrorDocuments back. */
void oci_error_documents_unmask(request_rec *r);

#endif /* OCI_ERROR_DOCUMENTS_H */
