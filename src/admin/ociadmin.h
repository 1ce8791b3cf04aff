/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file ociadmin.h
 * @brief What the commands of ociadmin have in common
 */

#ifndef OCI_OCIADMIN_H
#define OCI_OCIADMIN_H

#include "apr_getopt.h"
#include "apr_pools.h"

/** How a command ends: the program's exit status. */
typedef enum {
    OCI_DONE,
    OCI_FAILED,
    OCI_USAGE /* the command line makes no sense */
} oci_outcome_e;

/**
 * A command.
 * @param error Set to a sentence that says what is wrong; left alone with
 *        OCI_DONE
 * @param arguments What follows the command's name
 */
typedef oci_outcome_e oci_command_t(const char **error, apr_getopt_t *arguments,
                                    apr_pool_t *pool);

#endif /* OCI_OCIADMIN_H */
