/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file permissions.h
 * @brief Checking what a caller may do beyond the request itself
 */

#ifndef OCI_PERMISSIONS_H
#define OCI_PERMISSIONS_H

#include "api/request.h"

/** Set the request's asks_tags and its functions; its policy is set already. */
void oci_permissions_set(oci_request_t *request);

#endif /* OCI_PERMISSIONS_H */
