/* SPDX-License-Identifier: Apache-2.0 */

/* Deletes blobs of a remote store in batches. */

#include <string.h>

#include "apr_strings.h"

#include "gc/gc_doomed.h"
#include "registry/blob.h"

#define BATCH 1000 /* what an object store deletes in one request */

/* A blob to delete. */
typedef struct doomed_t {
    const char *locator;
    const char *digest; /* or NULL */
} doomed_t;

apr_status_t oci_gc_doomed_begin(oci_gc_t *gc, apr_pool_t *pool)
{
    apr_pool_t *own;
    apr_status_t rv = apr_pool_create(&own, pool);

    if (rv == APR_SUCCESS) {
        gc->doomed = apr_array_make(own, 16, sizeof(doomed_t));
    }
    return rv;
}

void oci_gc_doom(oci_gc_t *gc, const char *locator, const char *digest)
{
    doomed_t *doomed = apr_array_push(gc->doomed);

    doomed->locator = apr_pstrdup(gc->doomed->pool, locator);
    doomed->digest = apr_pstrdup(gc->doomed->pool, digest);
}

/* Select those that still have no record: a push may have entered one again.
 * locators: set to an array of const char * */
static oci_error_t *select_unrecorded(apr_array_header_t **locators,
                                      const oci_gc_t *gc, apr_pool_t *pool)
{
    int i;

    *locators = apr_array_make(pool, gc->doomed->nelts + 1,
                               sizeof(const char *));
    for (i = 0; i < gc->doomed->nelts; i++) {
        const doomed_t *doomed = &APR_ARRAY_IDX(gc->doomed, i, doomed_t);
        oci_blob_t blob = { .locator = "" };
        oci_error_t *error = doomed->digest
            ? oci_blob_record(&blob, gc->registry, doomed->digest, pool)
            : NULL;

        if (error && error->code != OCI_E_BLOB_UNKNOWN) {
            return error;
        }
        if (error || strcmp(blob.locator, doomed->locator)) {
            APR_ARRAY_PUSH(*locators, const char *) = doomed->locator;
        }
    }
    return NULL;
}

static apr_status_t delete_all(oci_blob_store_t *store,
                               const apr_array_header_t *locators,
                               apr_pool_t *pool)
{
    apr_status_t first = APR_SUCCESS;
    int i;

    if (!locators->nelts || store->provider->blobs_delete) {
        return locators->nelts
            ? store->provider->blobs_delete(store, locators, pool)
            : APR_SUCCESS;
    }
    for (i = 0; i < locators->nelts; i++) {
        apr_status_t rv = store->provider
                              ->blob_delete(store,
                                            APR_ARRAY_IDX(locators, i,
                                                          const char *),
                                            NULL, pool);

        if (rv != APR_NOTFOUND && first == APR_SUCCESS) {
            first = rv;
        }
    }
    return first;
}

oci_error_t *oci_gc_delete_doomed(oci_gc_t *gc, int all, apr_pool_t *pool)
{
    oci_blob_store_t *store = gc->registry->blobs;
    apr_pool_t *own = gc->doomed->pool;
    apr_array_header_t *locators;
    oci_error_t *error;
    apr_status_t rv;

    if (!gc->doomed->nelts || (!all && gc->doomed->nelts < BATCH)) {
        return NULL;
    }
    error = select_unrecorded(&locators, gc, pool);
    rv = error ? APR_SUCCESS : delete_all(store, locators, pool);
    apr_pool_clear(own);
    gc->doomed = apr_array_make(own, 16, sizeof(doomed_t));
    return rv == APR_SUCCESS
        ? error
        : oci_error_storage(pool, rv, "cannot delete blobs in %s",
                            store->where);
}
