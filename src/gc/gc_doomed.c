/* SPDX-License-Identifier: Apache-2.0 */

/* Deletes blobs of a remote store in batches. */

#include "apr_strings.h"

#include "gc/gc_doomed.h"

#define BATCH 1000 /* what an object store deletes in one request */

oci_error_t *oci_gc_doom(oci_gc_t *gc, const char *locator, apr_pool_t *pool)
{
    APR_ARRAY_PUSH(gc->doomed, const char *) = apr_pstrdup(gc->doomed->pool,
                                                           locator);
    return gc->doomed->nelts < BATCH ? NULL : oci_gc_delete_doomed(gc, pool);
}

/* Delete the doomed blobs one by one. */
static apr_status_t delete_each(const oci_gc_t *gc, apr_pool_t *pool)
{
    oci_blob_store_t *store = gc->registry->blobs;
    apr_status_t first = APR_SUCCESS;
    int i;

    for (i = 0; i < gc->doomed->nelts; i++) {
        apr_status_t rv = store->provider
                              ->blob_delete(store,
                                            APR_ARRAY_IDX(gc->doomed, i,
                                                          const char *),
                                            NULL, pool);

        if (rv != APR_NOTFOUND && first == APR_SUCCESS) {
            first = rv;
        }
    }
    return first;
}

oci_error_t *oci_gc_delete_doomed(oci_gc_t *gc, apr_pool_t *pool)
{
    oci_blob_store_t *store = gc->registry->blobs;
    apr_pool_t *own = gc->doomed->pool;
    apr_status_t rv = APR_SUCCESS;

    if (gc->doomed->nelts) {
        rv = store->provider->blobs_delete
            ? store->provider->blobs_delete(store, gc->doomed, pool)
            : delete_each(gc, pool);
    }
    apr_pool_clear(own);
    gc->doomed = apr_array_make(own, 16, sizeof(const char *));
    return rv == APR_SUCCESS
        ? NULL
        : oci_error_storage(pool, rv, "cannot delete blobs in %s",
                            store->where);
}
