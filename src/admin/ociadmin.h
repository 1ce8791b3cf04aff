/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file ociadmin.h
 * @brief The type of ociadmin's commands
 */

#ifndef OCI_OCIADMIN_H
#define OCI_OCIADMIN_H

#include "apr_getopt.h"
#include "apr_pools.h"

/** The result of a command, which is also the program's exit status. */
typedef enum {
    OCI_DONE,
    OCI_FAILED,
    OCI_USAGE /* the command line is not valid */
} oci_outcome_e;

/**
 * Runs a command.
 * @param error Set to a sentence that says what is wrong; NULL on entry, and
 *        still NULL if the result is OCI_DONE
 * @param arguments The arguments after the command's name
 * @param pool Lives until the program ends
 */
typedef oci_outcome_e oci_command_t(const char **error, apr_getopt_t *arguments,
                                    apr_pool_t *pool);

#endif /* OCI_OCIADMIN_H */
