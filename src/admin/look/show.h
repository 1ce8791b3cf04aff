/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file show.h
 * @brief The command "show": the tree of an image or an index
 */

#ifndef OCI_SHOW_H
#define OCI_SHOW_H

#include "admin/ociadmin.h"

/** ociadmin show [--json] NAME[:TAG|@DIGEST] STORES */
oci_command_t oci_show_command;

/** The help of the command, printed after its name. */
extern const char oci_show_usage[];

#endif /* OCI_SHOW_H */
