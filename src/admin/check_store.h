/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file check_store.h
 * @brief The command "check-store": tries whether a blob store can be used
 */

#ifndef OCI_CHECK_STORE_H
#define OCI_CHECK_STORE_H

#include "admin/ociadmin.h"

/** ociadmin check-store [--json] STORES|BLOBS */
oci_command_t oci_check_store_command;

/** The help of the command, printed after its name. */
extern const char oci_check_store_usage[];

#endif /* OCI_CHECK_STORE_H */
