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
 * @file pool.h
 * @brief Pools that a second thread may use
 */

#ifndef OCI_POOL_H
#define OCI_POOL_H

#include "apr_pools.h"

/**
 * Make a pool that ends with its parent, with memory of its own: one thread
 * may use it while another one uses the parent.
 * @return APR_ENOMEM
 */
apr_status_t oci_pool_make(apr_pool_t **pool, apr_pool_t *parent);

#endif /* OCI_POOL_H */
