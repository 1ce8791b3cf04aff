/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file token_check.h
 * @brief Checks of the directives for tokens, which need each other
 */

#ifndef OCI_TOKEN_CHECK_H
#define OCI_TOKEN_CHECK_H

#include "httpd.h"
#include "http_config.h"

/**
 * Check that tokens have a key, a service name if another issuer signs them,
 * and that a token endpoint has a key that signs.  A directive in another
 * Location may or may not apply here; the first request that needs it finds
 * out.  The key files have been read, except where "httpd -t" leaves them out.
 * @param line Set to the line that lacks something, if there is an error
 * @return NULL, or a sentence that says what is wrong
 */
const char *oci_token_check_needs(const ap_directive_t **line,
                                  const server_rec *main_server,
                                  apr_pool_t *pool);

/**
 * Log a warning for each part of the configuration for tokens that cannot work
 * with another part.
 * @param lines The configuration, as from oci_lines_read
 */
void oci_token_check_lines(const server_rec *main_server,
                           const apr_array_header_t *lines);

#endif /* OCI_TOKEN_CHECK_H */
