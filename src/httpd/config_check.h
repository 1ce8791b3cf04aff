/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file config_check.h
 * @brief Warnings about configurations that are valid, but cannot work as
 *        meant, and a check that blob stores have an index
 *
 * A warning is given only if the lines cannot be right.  Lines that may apply
 * through a pattern or a condition count as if they did.
 */

#ifndef OCI_CONFIG_CHECK_H
#define OCI_CONFIG_CHECK_H

#include "httpd.h"
#include "http_config.h"

/** Check the entire configuration, and log a warning for each mistake. */
void oci_config_check(const server_rec *main_server, apr_pool_t *pool);

/**
 * Check that each blob store has an index: without OCIIndex only "fs" has one.
 * An OCIIndex in another section may or may not apply here; the first request
 * finds out.
 * @param line Set to the line of a blob store without an index
 * @return NULL, or a sentence that says what is wrong
 */
const char *oci_config_check_index(const ap_directive_t **line,
                                   const server_rec *main_server,
                                   apr_pool_t *pool);

/**
 * Return whether two stores of one provider are in different places.  A path
 * may have two names.
 * @param where,other The stores' where
 * @param pool For temporary data
 */
int oci_places_differ(const char *where, const char *other, apr_pool_t *pool);

#endif /* OCI_CONFIG_CHECK_H */
