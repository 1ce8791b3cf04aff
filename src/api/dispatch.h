/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file dispatch.h
 * @brief From a request to the handler of its endpoint and method
 */

#ifndef OCI_DISPATCH_H
#define OCI_DISPATCH_H

#include "api/request.h"

/**
 * What a path below /v2 means to a method, for logs and policies.
 * @return "pull", "push", "delete", or NULL where no repository is concerned
 */
const char *oci_dispatch_action(const oci_route_t *route, int method);

/**
 * Answer a request.  All that can go wrong is answered too.
 * @return OK
 */
int oci_dispatch(oci_request_t *request);

#endif /* OCI_DISPATCH_H */
