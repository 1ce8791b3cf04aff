/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file check.h
 * @brief The command "check": finds, and mends, what is wrong with a registry's
 *        storage
 */

#ifndef OCI_CHECK_H
#define OCI_CHECK_H

#include "admin/ociadmin.h"

/** ociadmin check [--digests] [--repair] [--sparse Index|All] [--json]
 *  [--quiet] STORES */
oci_command_t oci_check_command;

/** The help of the command, printed after its name. */
extern const char oci_check_usage[];

#endif /* OCI_CHECK_H */
