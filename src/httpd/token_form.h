/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file token_form.h
 * @brief Reading the form of a token request by POST (RFC 6749, 4.3)
 */

#ifndef OCI_TOKEN_FORM_H
#define OCI_TOKEN_FORM_H

#include "httpd.h"
#include "apr_tables.h"

#include "registry/error.h"

/**
 * Read the form.  If the request has no Authorization header, the form's user
 * name and password become one, so that httpd checks them.
 * @param form Set to the form, in the request's pool
 * @return NULL; OCI_E_REQUEST_INVALID, OCI_E_UNAUTHORIZED for a user name with
 *         a colon, or an error of oci_body_read
 */
oci_error_t *oci_token_form_read(const apr_table_t **form, request_rec *r);

#endif /* OCI_TOKEN_FORM_H */
