/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file du.h
 * @brief The command "du": how much each repository uses
 */

#ifndef OCI_DU_H
#define OCI_DU_H

#include "admin/ociadmin.h"

/** ociadmin du [--json] [--repository GLOB] STORES */
oci_command_t oci_du_command;

/** The help of the command, printed after its name. */
extern const char oci_du_usage[];

#endif /* OCI_DU_H */
