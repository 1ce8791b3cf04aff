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
 * @file as_owner.h
 * @brief An index that is used with the rights of its owner
 */

#ifndef OCI_AS_OWNER_H
#define OCI_AS_OWNER_H

#include "mod_oci.h"
#include "store/owner.h"

/**
 * Wrap an index: where root calls it, each call runs as its owner.
 * @param index What is wrapped
 * @param pool Of the result
 */
oci_index_t *oci_as_owner(oci_index_t *index, const oci_owner_t *owner,
                          apr_pool_t *pool);

#endif /* OCI_AS_OWNER_H */
