/* Licensed under the Apache License, Version 2.0 (the "License"); you may
 * not use this file except in compliance with the License.  You may obtain
 * a copy of the License at http://www.apache.org/licenses/LICENSE-2.0
 *
 * Unless required by applicable law or agreed to in writing, software
 * distributed under the License is distributed on an "AS IS" BASIS,
 * WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
 * See the License for the specific language governing permissions and
 * limitations under the License.
 */

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
