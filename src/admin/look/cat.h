/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file cat.h
 * @brief The command "cat": prints the bytes of a manifest or a blob
 */

#ifndef OCI_CAT_H
#define OCI_CAT_H

#include "admin/ociadmin.h"

/** ociadmin cat NAME[:TAG|@DIGEST] STORES */
oci_command_t oci_cat_command;

/** The help of the command, printed after its name. */
extern const char oci_cat_usage[];

#endif /* OCI_CAT_H */
