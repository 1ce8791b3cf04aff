/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file start.h
 * @brief What is prepared and checked when the server starts
 */

#ifndef OCI_START_H
#define OCI_START_H

#include "httpd.h"

/**
 * Start every store that was configured, and read every key.
 * @return OK, or HTTP_INTERNAL_SERVER_ERROR with the reason in the log
 */
int oci_start(apr_pool_t *pool, server_rec *main_server);

#endif /* OCI_START_H */
