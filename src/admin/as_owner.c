/* SPDX-License-Identifier: Apache-2.0 */

/* A wrapper that calls an index with the rights of the index's owner: ociadmin
 * run by root then follows no link that the owner could not have followed. */

#include "admin/as_owner.h"
#include "store/io.h"

typedef struct owned_index_t {
    oci_index_t base;
    oci_index_provider_t provider; /* the index's table, except the functions
                                      that are wrapped here */
    oci_index_t *index;            /* the wrapped one */
    oci_owner_t owner;
} owned_index_t;

static apr_status_t become_owner(oci_owner_caller_t *caller, oci_index_t *index,
                                 apr_pool_t *pool)
{
    return oci_owner_enter(caller, &((owned_index_t *)index)->owner, pool);
}

static const char *start_as_owner(oci_index_t *index, apr_uid_t uid,
                                  apr_gid_t gid, apr_pool_t *pool)
{
    oci_index_t *inner = ((owned_index_t *)index)->index;
    oci_owner_caller_t caller;
    apr_status_t rv = become_owner(&caller, index, pool);
    const char *error = rv == APR_SUCCESS
        ? inner->provider->start(inner, uid, gid, pool)
        : oci_io_failure("act as", "the owner of the index", rv, pool);

    oci_owner_leave(&caller);
    return error;
}

static apr_status_t get_as_owner(oci_value_t *value, oci_index_t *index,
                                 const char *key, apr_pool_t *pool)
{
    oci_index_t *inner = ((owned_index_t *)index)->index;
    oci_owner_caller_t caller;
    apr_status_t rv = become_owner(&caller, index, pool);

    if (rv == APR_SUCCESS) {
        rv = inner->provider->get(value, inner, key, pool);
    }
    oci_owner_leave(&caller);
    return rv;
}

static apr_status_t apply_as_owner(oci_index_t *index,
                                   const oci_change_t *changes, int count,
                                   int durable, apr_pool_t *pool)
{
    oci_index_t *inner = ((owned_index_t *)index)->index;
    oci_owner_caller_t caller;
    apr_status_t rv = become_owner(&caller, index, pool);

    if (rv == APR_SUCCESS) {
        rv = inner->provider->apply(inner, changes, count, durable, pool);
    }
    oci_owner_leave(&caller);
    return rv;
}

static apr_status_t scan_as_owner(apr_array_header_t **entries,
                                  oci_index_t *index, const oci_scan_t *range,
                                  apr_pool_t *pool)
{
    oci_index_t *inner = ((owned_index_t *)index)->index;
    oci_owner_caller_t caller;
    apr_status_t rv = become_owner(&caller, index, pool);

    if (rv == APR_SUCCESS) {
        rv = inner->provider->scan(entries, inner, range, pool);
    }
    oci_owner_leave(&caller);
    return rv;
}

struct oci_lock_t {
    oci_lock_t *inner; /* the index's own */
    oci_index_t *index;
    apr_pool_t *pool;
};

static apr_status_t lock_as_owner(oci_lock_t **result, oci_index_t *index,
                                  const char *name, oci_lock_e kind,
                                  apr_pool_t *pool)
{
    oci_index_t *inner = ((owned_index_t *)index)->index;
    oci_lock_t *lock = apr_pcalloc(pool, sizeof(*lock));
    oci_owner_caller_t caller;
    apr_status_t rv = become_owner(&caller, index, pool);

    if (rv == APR_SUCCESS) {
        rv = inner->provider->lock(&lock->inner, inner, name, kind, pool);
    }
    oci_owner_leave(&caller);
    lock->index = index;
    lock->pool = pool;
    *result = lock;
    return rv;
}

/* An index may do work that waited for the lock, such as a merge. */
static apr_status_t unlock_as_owner(oci_lock_t *lock)
{
    oci_index_t *inner = ((owned_index_t *)lock->index)->index;
    oci_owner_caller_t caller;
    apr_status_t rv = become_owner(&caller, lock->index, lock->pool);

    if (rv == APR_SUCCESS) {
        rv = inner->provider->unlock(lock->inner);
    }
    oci_owner_leave(&caller);
    return rv;
}

oci_index_t *oci_index_as_owner(oci_index_t *index, const oci_owner_t *owner,
                                apr_pool_t *pool)
{
    owned_index_t *self = apr_pcalloc(pool, sizeof(*self));

    self->index = index;
    self->owner = *owner;
    self->provider = *index->provider;
    self->provider.start = start_as_owner;
    self->provider.get = get_as_owner;
    self->provider.apply = apply_as_owner;
    self->provider.scan = scan_as_owner;
    self->provider.lock = lock_as_owner;
    self->provider.unlock = unlock_as_owner;
    self->provider.follow = NULL;
    self->provider.visit = NULL;
    self->base.provider = &self->provider;
    self->base.where = index->where;
    return &self->base;
}
