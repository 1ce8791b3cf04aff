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

#include "store/hold.h"

#define HOLDS "mod_oci holds"

static oci_hold_t *holds_of(apr_pool_t *pool)
{
    void *holds;

    apr_pool_userdata_get(&holds, HOLDS, pool);
    return holds;
}

oci_hold_t *oci_hold_find(const void *store, apr_pool_t *pool)
{
    for (; pool; pool = apr_pool_parent_get(pool)) {
        oci_hold_t *hold = holds_of(pool);

        while (hold && hold->store != store) {
            hold = hold->next;
        }
        if (hold) {
            return hold;
        }
    }
    return NULL;
}

void oci_hold_begin(oci_hold_t *hold, const void *store, apr_pool_t *pool)
{
    hold->store = store;
    hold->pool = pool;
    hold->next = holds_of(pool);
    apr_pool_userdata_setn(hold, HOLDS, NULL, pool);
}

void oci_hold_end(oci_hold_t *hold)
{
    oci_hold_t *first = holds_of(hold->pool);

    if (first == hold) {
        apr_pool_userdata_setn(hold->next, HOLDS, NULL, hold->pool);
    }
    for (; first && first != hold; first = first->next) {
        if (first->next == hold) {
            first->next = hold->next;
        }
    }
}
