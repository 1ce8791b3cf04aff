/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file hooks.h
 * @brief The hooks by which httpd calls the registry
 */

#ifndef OCI_HOOKS_H
#define OCI_HOOKS_H

#include "httpd.h"

/** Register the hooks of the registry. */
void oci_hooks_register(apr_pool_t *pool);

#endif /* OCI_HOOKS_H */
