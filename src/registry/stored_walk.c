/* SPDX-License-Identifier: Apache-2.0 */

/* Visits all blobs, or all uploads, that a blob store lists, page by page. */

#include <string.h>

#include "apr_strings.h"

#include "registry/stored_walk.h"

/* Entries of a page; an object store lists no more in one answer. */
#define PAGE        4096
#define REMOTE_PAGE 1000

static oci_error_t *explain(const oci_blob_store_t *store, oci_stored_e kind,
                            apr_status_t rv, apr_pool_t *pool)
{
    return oci_error_storage(pool, rv, "cannot list the %s in %s",
                             kind == OCI_STORED_UPLOADS ? "uploads" : "blobs",
                             store->where);
}

/* Check that a walk can go on behind the last name of a page. */
static oci_error_t *check_last(const oci_stored_page_t *page, const char *last,
                               apr_pool_t *pool)
{
    if (strlen(last) > OCI_STORED_NAME_MAX) {
        return oci_error_storage(pool, APR_SUCCESS,
                                 "%s lists a name of more than %d characters",
                                 page->store->where, OCI_STORED_NAME_MAX);
    }
    return page->after && strcmp(last, page->after) <= 0
        ? oci_error_storage(pool, APR_SUCCESS, "%s lists %s again, after %s",
                            page->store->where, last, page->after)
        : NULL;
}

oci_error_t *oci_stored_list(apr_array_header_t **entries,
                             const oci_stored_page_t *page, apr_pool_t *pool)
{
    oci_blob_store_t *store = page->store;
    apr_status_t rv = store->provider->list(entries, store, page->kind,
                                            page->after, page->limit, pool);

    if (rv != APR_SUCCESS) {
        return explain(store, page->kind, rv, pool);
    }
    return (*entries)->nelts
        ? check_last(page,
                     APR_ARRAY_IDX(*entries, (*entries)->nelts - 1,
                                   oci_stored_t)
                         .name,
                     pool)
        : NULL;
}

static oci_error_t *visit_page(oci_stored_walk_t *walk,
                               const apr_array_header_t *entries,
                               apr_pool_t *scratch)
{
    oci_error_t *error = NULL;
    int i;

    for (i = 0; i < entries->nelts && !error && !walk->stop; i++) {
        apr_pool_clear(scratch);
        error = walk->visit(walk, &APR_ARRAY_IDX(entries, i, oci_stored_t),
                            scratch);
    }
    return error;
}

static oci_error_t *visit_pages(oci_stored_walk_t *walk, apr_pool_t *pool,
                                apr_pool_t *scratch)
{
    int limit = walk->store->provider->remote ? REMOTE_PAGE : PAGE;
    oci_stored_page_t page = { walk->store, walk->kind, NULL, limit };
    char after[OCI_STORED_NAME_MAX + 1];
    apr_array_header_t *entries;
    oci_error_t *error;

    do {
        apr_pool_clear(pool);
        error = oci_stored_list(&entries, &page, pool);
        if (error) {
            return error;
        }
        if (entries->nelts) {
            apr_cpystrn(after,
                        APR_ARRAY_IDX(entries, entries->nelts - 1, oci_stored_t)
                            .name,
                        sizeof(after));
            page.after = after;
        }
        error = visit_page(walk, entries, scratch);
    } while (entries->nelts && !error && !walk->stop);
    return error;
}

oci_error_t *oci_stored_walk(oci_stored_walk_t *walk, apr_pool_t *pool)
{
    apr_pool_t *page, *scratch;
    apr_status_t rv = apr_pool_create(&page, pool);
    oci_error_t *error;

    walk->stop = 0;
    if (rv == APR_SUCCESS) {
        rv = apr_pool_create(&scratch, pool);
    }
    if (rv != APR_SUCCESS) {
        return explain(walk->store, walk->kind, rv, pool);
    }
    error = visit_pages(walk, page, scratch);
    if (!error) { /* it lives as long as pool */
        apr_pool_destroy(page);
        apr_pool_destroy(scratch);
    }
    return error;
}
