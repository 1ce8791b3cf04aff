/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file export.h
 * @brief The command "export": writes images as an OCI image layout
 */

#ifndef OCI_EXPORT_H
#define OCI_EXPORT_H

#include "admin/ociadmin.h"

/**
 *     ociadmin export [--json] [--quiet] NAME[:TAG|@DIGEST]... DIR|FILE.tar
 *         STORES
 */
oci_command_t oci_export_command;

/** The help of the command, printed after its name. */
extern const char oci_export_usage[];

#endif /* OCI_EXPORT_H */
