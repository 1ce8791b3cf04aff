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

#include "registry/keys.h"
#include "registry/pending.h"
#include "registry/random.h"
#include "registry/repository.h"

oci_error_t *oci_pending_mark(const char **mark,
                              const oci_registry_t *registry,
                              const char *name, apr_pool_t *pool)
{
    apr_array_header_t *changes = oci_changes_make(pool);
    const char *token;
    oci_lock_t *lock;
    oci_error_t *error = oci_random_stamp(&token, pool);

    if (error) {
        return error;
    }
    *mark = oci_key_pending(pool, name, token);
    oci_change_put(changes, OCI_CHANGE_PUT, *mark, NULL, 0);

    /* A deletion that has looked for marks already is waited for. */
    error = oci_repository_lock(&lock, registry, name, OCI_LOCK_SHARED,
                                pool);
    if (error) {
        return error;
    }
    error = oci_facts_apply(registry, changes, 0, pool);
    oci_repository_unlock(registry, lock);
    return error;
}

oci_error_t *oci_pending_cancel(apr_array_header_t *changes,
                                const oci_registry_t *registry,
                                const char *name, apr_pool_t *pool)
{
    oci_scan_t scan = { oci_key_pending(pool, name, NULL), NULL, 0, 0, 0 };
    apr_array_header_t *entries;
    oci_error_t *error = oci_facts_scan(&entries, registry, &scan, pool);
    int i;

    for (i = 0; !error && i < entries->nelts; i++) {
        oci_change_delete(changes, APR_ARRAY_IDX(entries, i,
                                                 oci_entry_t).key);
    }
    return error;
}
