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

#include "apr_strings.h"

#include "registry/keys.h"
#include "registry/repository.h"

oci_error_t *oci_repository_exists(int *exists,
                                   const oci_registry_t *registry,
                                   const char *name, apr_pool_t *pool)
{
    return oci_fact_exists(exists, registry, oci_key_catalog(pool, name),
                           pool);
}

oci_error_t *oci_repository_list(apr_array_header_t **names,
                                 const oci_registry_t *registry,
                                 const char *after, int limit,
                                 apr_pool_t *pool)
{
    oci_scan_t scan = { oci_key_catalog(pool, NULL), NULL, limit, 0, 0 };
    apr_array_header_t *entries;
    oci_error_t *error;

    if (after) {
        scan.after = apr_pstrcat(pool, after, "!", NULL);
    }
    if ((error = oci_facts_scan(&entries, registry, &scan, pool))) {
        return error;
    }
    *names = oci_keys_rest(entries, scan.folder, pool);
    return NULL;
}

static oci_error_t *lock_name(oci_lock_t **lock,
                              const oci_registry_t *registry,
                              const char *name, oci_lock_e kind,
                              apr_pool_t *pool)
{
    oci_index_t *index = registry->index;
    apr_status_t rv = index->provider->lock(lock, index, name, kind, pool);

    if (rv != APR_SUCCESS) {
        return oci_error_storage(pool, rv, "can't lock %s in %s", name,
                                 index->where);
    }
    return NULL;
}

oci_error_t *oci_repository_lock(oci_lock_t **lock,
                                 const oci_registry_t *registry,
                                 const char *name, oci_lock_e kind,
                                 apr_pool_t *pool)
{
    return lock_name(lock, registry, apr_pstrcat(pool, "repo/", name, NULL),
                     kind, pool);
}

oci_error_t *oci_repository_lock_tag(oci_lock_t **lock,
                                     const oci_registry_t *registry,
                                     const char *name, const char *tag,
                                     apr_pool_t *pool)
{
    return lock_name(lock, registry, oci_key_tag(pool, name, tag),
                     OCI_LOCK_EXCLUSIVE, pool);
}

void oci_repository_unlock(const oci_registry_t *registry, oci_lock_t *lock)
{
    if (lock) {
        registry->index->provider->unlock(lock);
    }
}

void oci_repository_enter(apr_array_header_t *changes, const char *name,
                          apr_pool_t *pool)
{
    oci_change_put(changes, OCI_CHANGE_PUT, oci_key_catalog(pool, name),
                   NULL, 0);
}

oci_error_t *oci_repository_leave(const oci_registry_t *registry,
                                  const char *name, apr_pool_t *pool)
{
    const char *folders[2];
    apr_array_header_t *changes;
    oci_error_t *error;
    int exists, i;

    error = oci_repository_exists(&exists, registry, name, pool);
    if (error || !exists) {
        return error;
    }
    folders[0] = oci_key_manifest(pool, name, NULL);
    folders[1] = oci_key_link(pool, name, NULL);
    for (i = 0; i < 2; i++) {
        oci_scan_t scan = { folders[i], NULL, 1, 0, 1 };
        apr_array_header_t *entries;

        error = oci_facts_scan(&entries, registry, &scan, pool);
        if (error || entries->nelts) {
            return error;
        }
    }
    changes = oci_changes_make(pool);
    oci_change_delete(changes, oci_key_catalog(pool, name));
    return oci_facts_apply(registry, changes, registry->durable, pool);
}
