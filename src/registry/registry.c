/* SPDX-License-Identifier: Apache-2.0 */

/* Reads and changes the facts in a registry's index. */

#include <string.h>

#include "apr_strings.h"

#include "registry/keys.h"
#include "registry/registry.h"

oci_error_t *oci_fact_get(oci_value_t *value, const oci_registry_t *registry,
                          const char *key, apr_pool_t *pool)
{
    oci_index_t *index = registry->index;
    apr_status_t rv = index->provider->get(value, index, key, pool);

    if (rv == APR_NOTFOUND) {
        value->data = NULL;
        value->size = 0;
        return NULL;
    }
    if (rv != APR_SUCCESS) {
        return oci_error_storage(pool, rv, "cannot read %s/%s", index->where,
                                 key);
    }
    return NULL;
}

oci_error_t *oci_fact_exists(int *exists, const oci_registry_t *registry,
                             const char *key, apr_pool_t *pool)
{
    oci_index_t *index = registry->index;
    apr_status_t rv = index->provider->get(NULL, index, key, pool);

    *exists = rv == APR_SUCCESS;
    if (rv != APR_SUCCESS && rv != APR_NOTFOUND) {
        return oci_error_storage(pool, rv, "cannot read %s/%s", index->where,
                                 key);
    }
    return NULL;
}

static oci_error_t *get_both(oci_follow_t *follow,
                             const oci_registry_t *registry, apr_pool_t *pool)
{
    oci_error_t *error = oci_fact_get(&follow->value, registry, follow->key,
                                      pool);
    const char *end;

    if (error || !follow->value.data) {
        return error;
    }
    end = apr_pstrmemdup(pool, follow->value.data,
                         strcspn(follow->value.data, ";"));
    return oci_fact_get(&follow->target, registry,
                        apr_pstrcat(pool, follow->prefix, end, NULL), pool);
}

oci_error_t *oci_fact_follow(oci_follow_t *follow,
                             const oci_registry_t *registry, apr_pool_t *pool)
{
    oci_index_t *index = registry->index;
    apr_status_t rv;

    follow->value.data = NULL;
    follow->target.data = NULL;
    if (!index->provider->follow) {
        return get_both(follow, registry, pool);
    }
    rv = index->provider->follow(index, follow, pool);
    if (rv != APR_SUCCESS && rv != APR_NOTFOUND) {
        return oci_error_storage(pool, rv, "cannot read %s/%s", index->where,
                                 follow->key);
    }
    return NULL;
}

oci_error_t *oci_facts_scan(apr_array_header_t **entries,
                            const oci_registry_t *registry,
                            const oci_scan_t *scan, apr_pool_t *pool)
{
    oci_index_t *index = registry->index;
    apr_status_t rv = index->provider->scan(entries, index, scan, pool);

    if (rv != APR_SUCCESS) {
        return oci_error_storage(pool, rv, "cannot list %s/%s", index->where,
                                 scan->prefix);
    }
    return NULL;
}

apr_array_header_t *oci_change_list_make(apr_pool_t *pool)
{
    return apr_array_make(pool, 8, sizeof(oci_change_t));
}

void oci_change_put(apr_array_header_t *changes, oci_change_e kind,
                    const char *key, const char *data, apr_size_t size)
{
    oci_change_t *change = apr_array_push(changes);

    change->kind = kind;
    change->key = key;
    change->value.data = data;
    change->value.size = size;
}

void oci_change_delete(apr_array_header_t *changes, const char *key)
{
    oci_change_put(changes, OCI_CHANGE_DELETE, key, NULL, 0);
}

/* Return the key of a repository that changes enter into the catalog, and that
 * is not there; NULL if there is none. */
static const char *find_created(const oci_registry_t *registry,
                                const apr_array_header_t *changes,
                                apr_pool_t *pool)
{
    const char *prefix = oci_key_catalog(pool, NULL);
    int i;

    for (i = 0; i < changes->nelts; i++) {
        const oci_change_t *change = &APR_ARRAY_IDX(changes, i, oci_change_t);
        int exists;

        if (change->kind != OCI_CHANGE_DELETE
            && !strncmp(change->key, prefix, strlen(prefix))) {
            return oci_fact_exists(&exists, registry, change->key, pool)
                    || exists
                ? NULL
                : change->key;
        }
    }
    return NULL;
}

oci_error_t *oci_facts_apply(const oci_registry_t *registry,
                             const apr_array_header_t *changes, int durable,
                             apr_pool_t *pool)
{
    oci_index_t *index = registry->index;
    const oci_listener_t *listener = registry->listener;
    const oci_change_t *first = (const oci_change_t *)changes->elts;
    const char *created = listener ? find_created(registry, changes, pool)
                                   : NULL;
    apr_status_t rv = index->provider->apply(index, first, changes->nelts,
                                             durable, pool);

    if (rv != APR_SUCCESS) {
        return oci_error_storage(pool, rv, "cannot write %s/%s%s", index->where,
                                 first->key,
                                 changes->nelts > 1 ? " and further facts"
                                                    : "");
    }
    if (listener) {
        listener->applied(listener->baton, changes, created);
    }
    return NULL;
}

oci_error_t *oci_fact_put(const oci_registry_t *registry, const char *key,
                          const char *text, int durable, apr_pool_t *pool)
{
    apr_array_header_t *changes = oci_change_list_make(pool);

    oci_change_put(changes, OCI_CHANGE_PUT, key, text, strlen(text));
    return oci_facts_apply(registry, changes, durable, pool);
}

oci_error_t *oci_fact_delete(const oci_registry_t *registry, const char *key,
                             int durable, apr_pool_t *pool)
{
    apr_array_header_t *changes = oci_change_list_make(pool);

    oci_change_delete(changes, key);
    return oci_facts_apply(registry, changes, durable, pool);
}

oci_error_t *oci_facts_remove(const oci_registry_t *registry,
                              const apr_array_header_t *changes,
                              apr_pool_t *pool)
{
    apr_array_header_t *deletions;
    oci_error_t *error = oci_facts_apply(registry, changes, registry->durable,
                                         pool);
    int i;

    if (!error || error->code != OCI_E_STORAGE_FULL) {
        return error;
    }
    deletions = oci_change_list_make(pool);
    for (i = 0; i < changes->nelts; i++) {
        const oci_change_t *change = &APR_ARRAY_IDX(changes, i, oci_change_t);

        if (change->kind == OCI_CHANGE_DELETE) {
            APR_ARRAY_PUSH(deletions, oci_change_t) = *change;
        }
    }
    return deletions->nelts
        ? oci_facts_apply(registry, deletions, registry->durable, pool)
        : error;
}

oci_error_t *oci_registry_lock(oci_lock_t **lock,
                               const oci_registry_t *registry, const char *name,
                               oci_lock_e kind, apr_pool_t *pool)
{
    oci_index_t *index = registry->index;
    apr_status_t rv = index->provider->lock(lock, index, name, kind, pool);
    oci_error_t *error = NULL;

    if (rv != APR_SUCCESS) {
        error = oci_error_storage(pool, rv, "cannot lock %s in %s", name,
                                  index->where);
        error->locked = APR_STATUS_IS_TIMEUP(rv);
    }
    return error;
}

void oci_registry_unlock(const oci_registry_t *registry, oci_lock_t *lock)
{
    if (lock) {
        registry->index->provider->unlock(lock);
    }
}
