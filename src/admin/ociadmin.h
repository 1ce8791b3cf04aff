/* Licensed under the Apache License, Version 2.0 (the "License"); you may
 * not use this file except in compliance with the License.  You may obtain
 * a copy of the License at http://www.apache.org/licenses/LICENSE-2.0
 *
 * Unless required by applicable law or agreed to in writing, software
 * distributed under the License is distributed on an "AS IS" BASIS,
 * WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
 * See the License for the specific language governing permissions and
 * limitations under the License.
 */

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
    OCI_USAGE              /* the command line makes no sense */
} oci_outcome_e;

/**
 * A command.
 * @param error Set to a sentence that says what is wrong; left alone with
 *        OCI_DONE
 * @param arguments What follows the command's name
 */
typedef oci_outcome_e oci_command_t(const char **error,
                                    apr_getopt_t *arguments,
                                    apr_pool_t *pool);

#endif /* OCI_OCIADMIN_H */
