/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file import_repositories.h
 * @brief Imports one repository of another registry after the other
 */

#ifndef OCI_IMPORT_REPOSITORIES_H
#define OCI_IMPORT_REPOSITORIES_H

#include "admin/import/import_run.h"

/**
 * Import all repositories of a tree, until a signal is pending.
 * @param import Its registry is open, and its source, an oci_import_tree_t
 * @param pool For temporary data and the error
 * @return An error of our stores
 */
oci_error_t *oci_import_repositories(oci_import_t *import, apr_pool_t *pool);

#endif /* OCI_IMPORT_REPOSITORIES_H */
