/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file token_form.h
 * @brief A token that is asked for by POST (RFC 6749, 4.3)
 */

#ifndef OCI_TOKEN_FORM_H
#define OCI_TOKEN_FORM_H

#include "httpd.h"
#include "apr_tables.h"

#include "registry/error.h"

/**
 * Read the form.  Its user name and password become the request's
 * credentials where it has none yet, for httpd to check as it does those of
 * a header.
 * @param form Set to the form
 * @return OCI_E_REQUEST_INVALID, OCI_E_UNAUTHORIZED, or as oci_body_read
 */
oci_error_t *oci_token_form_read(const apr_table_t **form, request_rec *r);

#endif /* OCI_TOKEN_FORM_H */
