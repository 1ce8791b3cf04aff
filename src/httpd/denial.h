/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file denial.h
 * @brief Telling an authenticated caller, and the log, why a request is refused
 *
 * An anonymous caller learns nothing: its errors are those of
 * oci_error_of_status().
 */

#ifndef OCI_DENIAL_H
#define OCI_DENIAL_H

#include "httpd.h"

#include "httpd/context.h"

/**
 * Make the error of a request that authentication or authorization refused.
 * Its detail is the missing right, as a scope.
 * @param context The request's context, or NULL
 * @param status The final status
 */
oci_error_t *oci_denial_error(request_rec *r, const oci_context_t *context,
                              int status);

#endif /* OCI_DENIAL_H */
