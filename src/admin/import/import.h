/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file import.h
 * @brief The command "import": takes over the content of another registry
 */

#ifndef OCI_IMPORT_H
#define OCI_IMPORT_H

#include "admin/ociadmin.h"

/** ociadmin import --from-registry DIR [--quiet] [--json] [--config FILE]
 *  [--httpd PROGRAM] [STORES] */
oci_command_t oci_import_command;

/** The help of the command, printed after its name. */
extern const char oci_import_usage[];

#endif /* OCI_IMPORT_H */
