/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file ls.h
 * @brief The command "ls": lists repositories, or what is in one
 */

#ifndef OCI_LS_H
#define OCI_LS_H

#include "admin/ociadmin.h"

/** ociadmin ls [--json] [--untagged | --referrers] [NAME] STORES */
oci_command_t oci_ls_command;

/** The help of the command, printed after its name. */
extern const char oci_ls_usage[];

#endif /* OCI_LS_H */
