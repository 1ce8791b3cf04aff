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
 * @file hasher.h
 * @brief A thread that computes a digest while another one reads and writes
 */

#ifndef OCI_HASHER_H
#define OCI_HASHER_H

#include "mod_oci.h"
#include "spec/digest.h"

typedef struct oci_hasher_t oci_hasher_t;

/**
 * Start a thread that waits for work, and ends with pool.
 * @return What the system said, where there can be no thread
 */
apr_status_t oci_hasher_create(oci_hasher_t **hasher, apr_pool_t *pool);

/**
 * Add n buffers to a hash, after those of the call before.  The caller
 * leaves the hash and the buffers alone until the next call has returned;
 * one with n = 0 only waits.
 */
void oci_hasher_update(oci_hasher_t *hasher, oci_hash_t *hash,
                       const struct iovec *vec, int n);

#endif /* OCI_HASHER_H */
