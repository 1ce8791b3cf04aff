/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file start.h
 * @brief Preparing and checking the configuration when the server starts
 */

#ifndef OCI_START_H
#define OCI_START_H

#include "httpd.h"

/**
 * Start every configured store, and read every key file.
 * @param pool Lives as long as the configuration
 * @return OK; or, at the first start only, HTTP_INTERNAL_SERVER_ERROR after
 *         logging the reason
 */
int oci_start(apr_pool_t *pool, server_rec *main_server);

/**
 * Under "httpd -t", find out whether oci_start would succeed, without changing
 * anything.  Stores and key files are left out unless the caller is root or
 * httpd's User.  Nothing is looked at if httpd is only asked for the stores
 * (stores_dump.h).
 * @return OK, or HTTP_INTERNAL_SERVER_ERROR after logging the reason
 */
int oci_start_test(apr_pool_t *pool, server_rec *main_server);

#endif /* OCI_START_H */
