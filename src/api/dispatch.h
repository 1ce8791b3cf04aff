/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file dispatch.h
 * @brief Choosing and calling the handler for a request's endpoint and method
 */

#ifndef OCI_DISPATCH_H
#define OCI_DISPATCH_H

#include "api/request.h"

/**
 * Return the action of a request, for logs and policies.
 * @param method Its method number, such as M_GET
 * @return "pull", "push" or "delete"; NULL if the path names no repository, or
 *         the method is not supported there
 */
const char *oci_dispatch_action(const oci_route_t *route, int method);

/**
 * Answer a request; every error is answered too.
 * @return OK
 */
int oci_dispatch(oci_request_t *request);

#endif /* OCI_DISPATCH_H */
