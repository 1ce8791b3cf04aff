/* SPDX-License-Identifier: Apache-2.0 */

/* An index that counts its calls. */

#include "httpd/measured.h"
#include "httpd/metrics.h"
#include "store/dbd/dbd_index.h"

typedef struct measured_index_t {
    oci_index_t base;
    oci_index_provider_t provider; /* the inner one's, but for what counts */
    oci_index_t *inner;
    int driver;
} measured_index_t;

static const measured_index_t *self_of(const oci_index_t *index)
{
    return (const measured_index_t *)index;
}

/* Count a call; answers that are not faults are no failures. */
static apr_status_t count(const oci_index_t *index, oci_storage_action_e action,
                          apr_time_t begun, apr_status_t rv)
{
    oci_metrics_storage(self_of(index)->driver, action, begun,
                        rv != APR_SUCCESS && rv != APR_NOTFOUND
                            && rv != APR_EEXIST);
    return rv;
}

static apr_status_t get(oci_value_t *value, oci_index_t *index, const char *key,
                        apr_pool_t *pool)
{
    oci_index_t *inner = self_of(index)->inner;
    apr_time_t begun = apr_time_now();

    return count(index, OCI_STORAGE_GET, begun,
                 inner->provider->get(value, inner, key, pool));
}

static apr_status_t follow(oci_index_t *index, oci_follow_t *both,
                           apr_pool_t *pool)
{
    oci_index_t *inner = self_of(index)->inner;
    apr_time_t begun = apr_time_now();

    return count(index, OCI_STORAGE_FOLLOW, begun,
                 inner->provider->follow(inner, both, pool));
}

static apr_status_t apply(oci_index_t *index, const oci_change_t *changes,
                          int number, int durable, apr_pool_t *pool)
{
    oci_index_t *inner = self_of(index)->inner;
    apr_time_t begun = apr_time_now();

    return count(index, OCI_STORAGE_APPLY, begun,
                 inner->provider->apply(inner, changes, number, durable, pool));
}

static apr_status_t scan(apr_array_header_t **entries, oci_index_t *index,
                         const oci_scan_t *range, apr_pool_t *pool)
{
    oci_index_t *inner = self_of(index)->inner;
    apr_time_t begun = apr_time_now();

    return count(index, OCI_STORAGE_SCAN, begun,
                 inner->provider->scan(entries, inner, range, pool));
}

static apr_status_t lock(oci_lock_t **result, oci_index_t *index,
                         const char *name, oci_lock_e kind, apr_pool_t *pool)
{
    oci_index_t *inner = self_of(index)->inner;
    apr_time_t begun = apr_time_now();

    return count(index, OCI_STORAGE_LOCK, begun,
                 inner->provider->lock(result, inner, name, kind, pool));
}

/* The visitor of a caller.  Its time and its failures do not count as those of
 * the index. */
typedef struct timed_visitor_t {
    oci_entry_visit_t *visit;
    void *baton;
    apr_time_t spent; /* microseconds */
    apr_status_t rv;  /* of its last visit */
} timed_visitor_t;

static apr_status_t visit_timed(void *baton, const oci_entry_t *entry,
                                apr_pool_t *pool)
{
    timed_visitor_t *timed = baton;
    apr_time_t begun = apr_time_now();

    timed->rv = timed->visit(timed->baton, entry, pool);
    timed->spent += apr_time_now() - begun;
    return timed->rv;
}

static apr_status_t visit(oci_index_t *index, const oci_scan_t *range,
                          oci_entry_visit_t *visitor, void *baton,
                          apr_pool_t *pool)
{
    oci_index_t *inner = self_of(index)->inner;
    timed_visitor_t timed = { visitor, baton, 0, APR_SUCCESS };
    apr_time_t begun = apr_time_now();
    apr_status_t rv = inner->provider->visit(inner, range, visit_timed, &timed,
                                             pool);

    if (rv != APR_ENOTIMPL) {
        count(index, OCI_STORAGE_VISIT, begun + timed.spent,
              timed.rv == APR_SUCCESS ? rv : APR_SUCCESS);
    }
    return rv;
}

oci_index_t *oci_measured_index(oci_index_t *index, const char *name,
                                apr_pool_t *pool)
{
    measured_index_t *self = apr_pcalloc(pool, sizeof(*self));

    oci_index_dbd_observe(index, oci_metrics_connection);
    self->inner = index;
    self->driver = oci_metrics_driver(name);
    self->provider.get = get;
    self->provider.apply = apply;
    self->provider.scan = scan;
    self->provider.lock = lock;
    self->provider.unlock = index->provider->unlock;
    self->provider.follow = index->provider->follow ? follow : NULL;
    self->provider.visit = index->provider->visit ? visit : NULL;
    self->base.provider = &self->provider;
    self->base.where = index->where;
    return &self->base;
}
