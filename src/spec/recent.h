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
 * @file recent.h
 * @brief A bounded set of hashes, in which new ones displace old ones
 */

#ifndef OCI_RECENT_H
#define OCI_RECENT_H

#include "apr_errno.h"
#include "apr_pools.h"

/** The size of a hash in bytes, that of SHA-256. */
#define OCI_RECENT_BYTES 32

/** A set, for any threads of a process; processes that fork part ways. */
typedef struct oci_recent_t oci_recent_t;

/**
 * Make a set.
 * @param slots How many hashes it holds at most
 */
apr_status_t oci_recent_create(oci_recent_t **set, unsigned slots,
                               apr_pool_t *pool);

/** Whether a hash was added, and not displaced since. */
int oci_recent_has(oci_recent_t *set, const unsigned char *hash);

/** Add a hash. */
void oci_recent_add(oci_recent_t *set, const unsigned char *hash);

#endif /* OCI_RECENT_H */
