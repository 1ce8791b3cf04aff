/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file collect.h
 * @brief The command "gc": runs the garbage collection of a registry
 */

#ifndef OCI_COLLECT_H
#define OCI_COLLECT_H

#include "admin/ociadmin.h"

/** ociadmin gc [--dry-run] [--json] [--quiet] [--grace SECONDS]
 *  [--upload-expiry SECONDS] [--repository GLOB] [--changed] [--retain RULE]
 *  [--untagged RULE] STORES */
oci_command_t oci_gc_command;

/** The help of the command, printed after its name. */
extern const char oci_gc_usage[];

#endif /* OCI_COLLECT_H */
