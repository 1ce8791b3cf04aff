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
 * @file glob.h
 * @brief Patterns of repository names
 */

#ifndef OCI_GLOB_H
#define OCI_GLOB_H

#include "apr_pools.h"

/**
 * Whether a pattern matches the whole of a name: "*" stands for any bytes
 * within a component, "**" for any bytes at all, "\x" for x itself.  The
 * time grows with the product of both lengths and no faster.
 */
int oci_glob_match(const char *pattern, const char *name, apr_pool_t *pool);

/** A value as a pattern that matches nothing else. */
const char *oci_glob_escape(const char *value, apr_pool_t *pool);

#endif /* OCI_GLOB_H */
