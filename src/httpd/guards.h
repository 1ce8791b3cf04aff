/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file guards.h
 * @brief The parts of the configuration that may refuse a request
 *
 * A directive that may refuse a request is a guard.  An answer that no guard
 * can affect is the same for all callers, so caches may share it and the
 * catalog need not check each name.
 */

#ifndef OCI_GUARDS_H
#define OCI_GUARDS_H

#include "httpd.h"
#include "http_config.h"

#include "httpd/config.h"

/**
 * Find the guards in the entire configuration.
 * @param server The main server's part, where they are recorded
 */
void oci_guards_read(oci_server_config_t *server, const ap_directive_t *tree,
                     apr_pool_t *pool);

/** Return 1 if some directive may refuse some caller or all callers. */
int oci_guards_exist(void);

/** Return 1 if requests for two references of a repository, such as two tags,
 * may be decided differently, or have different directives. */
int oci_guards_may_split_tags(void);

/** Return 1 if some section may apply to some tags of a repository only. */
int oci_guards_have_tag_sections(void);

/** Return 1 if a path's requests may depend on who the caller is. */
int oci_guards_cover_path(const char *path);

/** Return 1 if a module from outside httpd has a hook in requests. */
int oci_guards_have_foreign_module(void);

/**
 * Return 1 if a module is part of httpd, or this one.
 * @param module The name of its source file, such as "mod_alias.c"
 */
int oci_guards_know_module(const char *module);

#endif /* OCI_GUARDS_H */
