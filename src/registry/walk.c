/* SPDX-License-Identifier: Apache-2.0 */

/* Visits all facts of a range: page by page, or as the index visits them. */

#include <string.h>

#include "apr_strings.h"

#include "registry/walk.h"

/* Facts of a page. */
#define PAGE 256

static oci_error_t *visit_page(oci_walk_t *walk,
                               const apr_array_header_t *entries,
                               apr_pool_t *scratch)
{
    oci_error_t *error = NULL;
    int i;

    for (i = 0; i < entries->nelts && !error && !walk->stop; i++) {
        const oci_entry_t *entry = &APR_ARRAY_IDX(entries, i, oci_entry_t);

        error = walk->visit(walk, entry->key + strlen(walk->prefix),
                            &entry->value, scratch);
        if (!error) {
            apr_pool_clear(scratch);
        }
    }
    return error;
}

/* Go on behind the last fact of a page.
 * place: for its key, which may be longer than a key of a registry */
static oci_error_t *go_on(oci_scan_t *scan, const oci_walk_t *walk,
                          const oci_entry_t *last, apr_pool_t *place)
{
    const char *rest = last->key + strlen(walk->prefix);

    if (scan->after && strcmp(rest, scan->after) <= 0) {
        return oci_error_storage(place, APR_SUCCESS,
                                 "%s lists %s again, after %s%s",
                                 walk->registry->index->where, last->key,
                                 walk->prefix, scan->after);
    }
    apr_pool_clear(place);
    scan->after = apr_pstrdup(place, rest);
    return NULL;
}

static oci_error_t *visit_pages(oci_walk_t *walk, apr_pool_t *page,
                                apr_pool_t *place, apr_pool_t *scratch)
{
    oci_scan_t scan = { walk->prefix, NULL, PAGE, walk->values, 0 };
    apr_array_header_t *entries;
    oci_error_t *error;
    int full;

    do {
        error = oci_facts_scan(&entries, walk->registry, &scan, page);
        full = !error && entries->nelts == PAGE;
        if (full) {
            error = go_on(&scan, walk,
                          &APR_ARRAY_IDX(entries, PAGE - 1, oci_entry_t),
                          place);
        }
        if (error) {
            return error;
        }
        error = visit_page(walk, entries, scratch);
        if (!error) {
            apr_pool_clear(page);
        }
    } while (full && !error && !walk->stop);
    return error;
}

/* A walk that the index makes, and how it ended. */
typedef struct indexed_t {
    oci_walk_t *walk;
    oci_error_t *error;
} indexed_t;

static apr_status_t visit_entry(void *baton, const oci_entry_t *entry,
                                apr_pool_t *pool)
{
    indexed_t *indexed = baton;
    oci_walk_t *walk = indexed->walk;

    indexed->error = walk->visit(walk, entry->key + strlen(walk->prefix),
                                 &entry->value, pool);
    return indexed->error || walk->stop ? APR_EOF : APR_SUCCESS;
}

/* Have the index visit the facts.
 * *done: set to whether it can do so */
static oci_error_t *visit_by_index(int *done, oci_walk_t *walk,
                                   apr_pool_t *pool)
{
    oci_index_t *index = walk->registry->index;
    oci_scan_t scan = { walk->prefix, NULL, 0, walk->values, 0 };
    indexed_t indexed = { walk, NULL };
    apr_status_t rv = index->provider->visit && walk->any_order
        ? index->provider->visit(index, &scan, visit_entry, &indexed, pool)
        : APR_ENOTIMPL;

    *done = rv != APR_ENOTIMPL;
    if (indexed.error || walk->stop || !*done || rv == APR_SUCCESS) {
        return indexed.error;
    }
    return oci_error_storage(pool, rv, "cannot list %s/%s", index->where,
                             walk->prefix);
}

oci_error_t *oci_walk(oci_walk_t *walk, apr_pool_t *pool)
{
    apr_pool_t *page, *place, *scratch;
    apr_status_t rv;
    int done;
    oci_error_t *error;

    walk->stop = 0;
    error = visit_by_index(&done, walk, pool);
    if (done) {
        return error;
    }
    rv = apr_pool_create(&page, pool);
    if (rv == APR_SUCCESS) {
        rv = apr_pool_create(&place, pool);
    }
    if (rv == APR_SUCCESS) {
        rv = apr_pool_create(&scratch, pool);
    }
    if (rv != APR_SUCCESS) {
        return oci_error_storage(pool, rv, "cannot list %s/%s",
                                 walk->registry->index->where, walk->prefix);
    }
    error = visit_pages(walk, page, place, scratch);
    if (!error) {
        apr_pool_destroy(page);
        apr_pool_destroy(place);
        apr_pool_destroy(scratch);
    }
    return error;
}
