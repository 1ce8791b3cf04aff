/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file builtin.h
 * @brief The providers that are part of the module and of its tools
 */

#ifndef OCI_BUILTIN_H
#define OCI_BUILTIN_H

#include "mod_oci.h"

typedef struct oci_builtin_t {
    const char *group; /* OCI_BLOB_STORE_GROUP or OCI_INDEX_GROUP */
    const char *name;
    const void *provider;
} oci_builtin_t;

/** All of them; an entry without a name ends the array. */
extern const oci_builtin_t oci_builtins[];

#endif /* OCI_BUILTIN_H */
