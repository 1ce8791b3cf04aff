/* SPDX-License-Identifier: Apache-2.0 */

/* Whether a repository holds a blob.  The facts holder/... list those that may,
 * and the fact repo/<name>/_blob/<digest> decides. */

#include <string.h>

#include "gc/gc_holders.h"
#include "gc/gc_step.h"
#include "registry/blob.h"
#include "registry/keys.h"

struct oci_gc_holders_t {
    const oci_gc_t *gc;
    const char *prefix;          /* of the page; NULL if there is none */
    apr_array_header_t *entries; /* oci_entry_t: the page */
    int next;                    /* the first entry that may be asked for */
    apr_pool_t *pool;
    apr_pool_t *page; /* for prefix and entries; NULL before the first */
};

oci_gc_holders_t *oci_gc_holders_make(const oci_gc_t *gc, apr_pool_t *pool)
{
    oci_gc_holders_t *holders = apr_pcalloc(pool, sizeof(*holders));

    holders->gc = gc;
    holders->pool = pool;
    return holders;
}

/* Read the page that begins with a blob. */
static oci_error_t *read_page(oci_gc_holders_t *holders, const char *digest)
{
    oci_scan_t scan = { .after = digest, .limit = OCI_GC_BATCH, .values = 1 };
    oci_error_t *error;
    apr_status_t rv;

    holders->prefix = NULL;
    holders->next = 0;
    if (holders->page) {
        apr_pool_clear(holders->page);
    }
    else if ((rv = apr_pool_create(&holders->page, holders->pool))
             != APR_SUCCESS) {
        return oci_error_storage(holders->pool, rv, "cannot list holders");
    }
    scan.prefix = oci_key_holders(holders->page, digest);
    error = oci_facts_scan(&holders->entries, holders->gc->registry, &scan,
                           holders->page);
    if (!error) {
        holders->prefix = scan.prefix;
    }
    return error;
}

/* The next fact of the page; NULL after the last one. */
static const oci_entry_t *next_entry(const oci_gc_holders_t *holders)
{
    return holders->next < holders->entries->nelts
        ? &APR_ARRAY_IDX(holders->entries, holders->next, oci_entry_t)
        : NULL;
}

/* Go to the first fact about a blob, or about a later one. */
static const oci_entry_t *go_to(oci_gc_holders_t *holders, const char *digest)
{
    apr_size_t start = strlen(holders->prefix);
    apr_size_t length = strlen(digest);
    const oci_entry_t *entry;

    while ((entry = next_entry(holders))
           && strncmp(entry->key + start, digest, length) < 0) {
        holders->next++;
    }
    return entry;
}

oci_error_t *oci_gc_holders_look(int *held, oci_gc_holders_t *holders,
                                 const char *digest, apr_pool_t *pool)
{
    const oci_entry_t *entry = NULL;
    const char *prefix = oci_key_holders(pool, digest);
    oci_error_t *error;

    *held = 0;
    if (holders->prefix && !strcmp(holders->prefix, prefix)) {
        entry = go_to(holders, digest);
    }
    if (!entry) {
        error = read_page(holders, digest);
        if (error) {
            return error;
        }
        entry = go_to(holders, digest);
    }
    if (!entry || strncmp(entry->key + strlen(prefix), digest, strlen(digest))
        || !entry->value.data) {
        return NULL;
    }
    return oci_fact_exists(held, holders->gc->registry,
                           oci_key_held(pool, entry->value.data, digest), pool);
}

/* Find out whether one of these repositories holds a blob.
 * stale: the facts about those that do not are added, to be deleted */
static oci_error_t *ask_holders(int *held, apr_array_header_t *stale,
                                const oci_gc_t *gc, const char *digest,
                                const apr_array_header_t *names)
{
    apr_pool_t *pool = stale->pool;
    oci_error_t *error = NULL;
    int i;

    *held = 0;
    for (i = 0; i < names->nelts && !error && !*held; i++) {
        const char *name = APR_ARRAY_IDX(names, i, const char *);

        error = oci_fact_exists(held, gc->registry,
                                oci_key_held(pool, name, digest), pool);
        oci_change_delete(stale, oci_key_holder(pool, digest, name));
    }
    return error;
}

oci_error_t *oci_gc_holders_find(int *held, apr_array_header_t *stale,
                                 const oci_gc_t *gc, const char *digest)
{
    apr_array_header_t *names;
    oci_error_t *error;
    int limit = 1; /* the first one nearly always holds it */

    for (;;) {
        error = oci_blob_holders(&names, gc->registry, digest, limit,
                                 stale->pool);
        apr_array_clear(stale);
        if (!error) {
            error = ask_holders(held, stale, gc, digest, names);
        }
        if (error || *held || !limit || !names->nelts) {
            break;
        }
        limit = 0;
    }
    if (error || *held) {
        apr_array_clear(stale);
    }
    return error;
}
