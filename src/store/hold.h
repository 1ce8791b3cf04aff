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
 * @file hold.h
 * @brief Which locks a caller holds, found by the caller's pool
 *
 * A hold begins with a caller's first lock of a store.  It is found by the
 * pool of that lock, and by all pools below it.
 */

#ifndef OCI_HOLD_H
#define OCI_HOLD_H

#include "apr_pools.h"

/** A hold; what more a store keeps of it follows in a struct of its own. */
typedef struct oci_hold_t oci_hold_t;
struct oci_hold_t {
    const void *store;         /* whose locks they are */
    int         count;         /* of locks; its users keep it */
    apr_pool_t *pool;
    oci_hold_t *next;          /* another store's, of the same pool */
};

/**
 * Find the hold of a store.
 * @param pool The caller's
 * @return NULL if the caller has no lock of this store
 */
oci_hold_t *oci_hold_find(const void *store, apr_pool_t *pool);

/**
 * Let a hold be found.
 * @param hold All zero so far; lives as long as pool
 */
void oci_hold_begin(oci_hold_t *hold, const void *store, apr_pool_t *pool);

/** Let a hold be found no longer. */
void oci_hold_end(oci_hold_t *hold);

#endif /* OCI_HOLD_H */
