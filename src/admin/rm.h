/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file rm.h
 * @brief The command "rm": deletes a tag, a manifest, a blob or a repository
 */

#ifndef OCI_RM_H
#define OCI_RM_H

#include "admin/ociadmin.h"

/** ociadmin rm [--yes] [--recursive] NAME[:TAG|@DIGEST] STORES */
oci_command_t oci_rm_command;

/** The help of the command, printed after its name. */
extern const char oci_rm_usage[];

#endif /* OCI_RM_H */
