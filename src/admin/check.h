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
 *  [--quiet] BLOBS [INDEX] */
oci_command_t oci_check_command;

#endif /* OCI_CHECK_H */
