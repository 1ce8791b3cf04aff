/* SPDX-License-Identifier: Apache-2.0 */

/* An index that is used with the rights of its owner. */

#include "admin/as_owner.h"
#include "store/io.h"

typedef struct index_t {
    oci_index_t base;
    oci_index_provider_t provider; /* the index's own, but for these calls */
    oci_index_t *index;
    oci_owner_t owner;
} index_t;

static apr_status_t enter(oci_owner_caller_t *caller, oci_index_t *index,
                          apr_pool_t *pool)
{
    return oci_owner_enter(caller, &((index_t *)index)->owner, pool);
}

static const char *start(oci_index_t *index, apr_uid_t uid, apr_gid_t gid,
                         apr_pool_t *pool)
{
    oci_index_t *inner = ((index_t *)index)->index;
    oci_owner_caller_t caller;
    apr_status_t rv = enter(&caller, index, pool);
    const char *error = rv == APR_SUCCESS
        ? inner->provider->start(inner, uid, gid, pool)
        : oci_io_failure("act as", "the owner of the index", rv, pool);

    oci_owner_leave(&caller);
    return error;
}

static apr_status_t get(oci_value_t *value, oci_index_t *index, const char *key,
                        apr_pool_t *pool)
{
    oci_index_t *inner = ((index_t *)index)->index;
    oci_owner_caller_t caller;
    apr_status_t rv = enter(&caller, index, pool);

    if (rv == APR_SUCCESS) {
        rv = inner->provider->get(value, inner, key, pool);
    }
    oci_owner_leave(&caller);
    return rv;
}

static apr_status_t apply(oci_index_t *index, const oci_change_t *changes,
                          int count, int durable, apr_pool_t *pool)
{
    oci_index_t *inner = ((index_t *)index)->index;
    oci_owner_caller_t caller;
    apr_status_t rv = enter(&caller, index, pool);

    if (rv == APR_SUCCESS) {
        rv = inner->provider->apply(inner, changes, count, durable, pool);
    }
    oci_owner_leave(&caller);
    return rv;
}

static apr_status_t scan(apr_array_header_t **entries, oci_index_t *index,
                         const oci_scan_t *range, apr_pool_t *pool)
{
    oci_index_t *inner = ((index_t *)index)->index;
    oci_owner_caller_t caller;
    apr_status_t rv = enter(&caller, index, pool);

    if (rv == APR_SUCCESS) {
        rv = inner->provider->scan(entries, inner, range, pool);
    }
    oci_owner_leave(&caller);
    return rv;
}

static apr_status_t lock(oci_lock_t **result, oci_index_t *index,
                         const char *name, oci_lock_e kind, apr_pool_t *pool)
{
    oci_index_t *inner = ((index_t *)index)->index;
    oci_owner_caller_t caller;
    apr_status_t rv = enter(&caller, index, pool);

    if (rv == APR_SUCCESS) {
        rv = inner->provider->lock(result, inner, name, kind, pool);
    }
    oci_owner_leave(&caller);
    return rv;
}

oci_index_t *oci_as_owner(oci_index_t *index, const oci_owner_t *owner,
                          apr_pool_t *pool)
{
    index_t *self = apr_pcalloc(pool, sizeof(*self));

    self->index = index;
    self->owner = *owner;
    self->provider = *index->provider;
    self->provider.start = start;
    self->provider.get = get;
    self->provider.apply = apply;
    self->provider.scan = scan;
    self->provider.lock = lock;
    self->base.provider = &self->provider;
    self->base.where = index->where;
    return &self->base;
}
