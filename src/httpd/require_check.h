/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file require_check.h
 * @brief Checks of the Require lines of a registry
 */

#ifndef OCI_REQUIRE_CHECK_H
#define OCI_REQUIRE_CHECK_H

#include "httpd.h"
#include "http_config.h"

/**
 * Log a warning for a registry or metrics without access control, for users who
 * cannot log in, and for a right to push without the right to pull.
 * @param lines The configuration, as from oci_lines_read
 */
void oci_require_check_lines(const server_rec *main_server,
                             const apr_array_header_t *lines, apr_pool_t *pool);

#endif /* OCI_REQUIRE_CHECK_H */
