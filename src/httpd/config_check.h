/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file config_check.h
 * @brief Warnings about configurations that are valid, but cannot work as meant
 *
 * A warning is given only if the lines cannot be right.  Lines that may apply
 * through a pattern or a condition count as if they did.
 */

#ifndef OCI_CONFIG_CHECK_H
#define OCI_CONFIG_CHECK_H

#include "httpd.h"

/** Check the entire configuration, and log a warning for each mistake. */
void oci_config_check(const server_rec *main_server, apr_pool_t *pool);

/**
 * Return whether two stores of one provider are in different places.  A path
 * may have two names.
 * @param where,other The stores' where
 * @param pool For temporary data
 */
int oci_places_differ(const char *where, const char *other, apr_pool_t *pool);

#endif /* OCI_CONFIG_CHECK_H */
