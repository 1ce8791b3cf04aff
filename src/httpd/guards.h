/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file guards.h
 * @brief Where the configuration may refuse somebody
 */

#ifndef OCI_GUARDS_H
#define OCI_GUARDS_H

#include "httpd.h"
#include "http_config.h"

#include "httpd/config.h"

/** Read the whole configuration for what may refuse, into the main server. */
void oci_guards_read(oci_server_config_t *server, const ap_directive_t *tree,
                     apr_pool_t *pool);

/** Whether some directive may let one in and refuse another, or all. */
int oci_guards_exist(void);

/** Whether one may be let in and another not where a path is. */
int oci_guards_concern(const char *path);

/** Whether a module, such as "mod_alias.c", is one of httpd's own, or ours. */
int oci_guards_know(const char *module);

#endif /* OCI_GUARDS_H */
