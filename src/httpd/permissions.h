/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file permissions.h
 * @brief What else a caller may do than what the request itself asks for
 */

#ifndef OCI_PERMISSIONS_H
#define OCI_PERMISSIONS_H

#include "api/request.h"

/** Set the request's may_mount, may_list and may_tag, which ask httpd. */
void oci_permissions_set(oci_request_t *request);

#endif /* OCI_PERMISSIONS_H */
