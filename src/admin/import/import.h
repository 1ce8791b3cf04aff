/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file import.h
 * @brief The command "import": reads an image layout, or takes over the content
 *        of another registry
 */

#ifndef OCI_IMPORT_H
#define OCI_IMPORT_H

#include "admin/ociadmin.h"

/**
 *     ociadmin import [--sparse] [--json] [--quiet] DIR|FILE.tar [NAME[:TAG]]
 *         STORES
 *     ociadmin import --from-registry DIR [--json] [--quiet] STORES
 */
oci_command_t oci_import_command;

/** The help of the command, printed after its name. */
extern const char oci_import_usage[];

#endif /* OCI_IMPORT_H */
