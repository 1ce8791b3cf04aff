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
 * @file builtin.h
 * @brief The providers that the module brings along, and its tools know
 */

#ifndef OCI_BUILTIN_H
#define OCI_BUILTIN_H

#include "mod_oci.h"

typedef struct oci_builtin_t {
    const char *group;     /* OCI_BLOB_STORE_GROUP or OCI_INDEX_GROUP */
    const char *name;
    const void *provider;
} oci_builtin_t;

/** All of them; the last has no name. */
extern const oci_builtin_t oci_builtins[];

#endif /* OCI_BUILTIN_H */
