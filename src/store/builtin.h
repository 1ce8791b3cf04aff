/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file builtin.h
 * @brief The providers that the module brings along, and its tools know
 */

#ifndef OCI_BUILTIN_H
#define OCI_BUILTIN_H

#include "mod_oci.h"

typedef struct oci_builtin_t {
    const char *group; /* OCI_BLOB_STORE_GROUP or OCI_INDEX_GROUP */
    const char *name;
    const void *provider;
} oci_builtin_t;

/** All of them; the last has no name. */
extern const oci_builtin_t oci_builtins[];

#endif /* OCI_BUILTIN_H */
