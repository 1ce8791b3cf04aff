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
 * @file hash.h
 * @brief A number for a name
 */

#ifndef OCI_HASH_H
#define OCI_HASH_H

#include "apr_pools.h"

/**
 * 60 bits that differ where texts do, as good as always: nobody can make a
 * text that has the number of a given one.
 */
apr_int64_t oci_hash(const char *text, apr_pool_t *pool);

#endif /* OCI_HASH_H */
