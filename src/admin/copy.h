/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file copy.h
 * @brief The command "copy": copies an index or a blob store
 */

#ifndef OCI_COPY_H
#define OCI_COPY_H

#include "admin/ociadmin.h"

/** ociadmin copy [--blobs] [OPTION...] FROM TO */
oci_command_t oci_copy_command;

/** The help of the command, printed after its name. */
extern const char oci_copy_usage[];

#endif /* OCI_COPY_H */
