/* SPDX-License-Identifier: Apache-2.0 */

/* Whether a blob store and an index belong together. */

#include <errno.h>
#include <string.h>

#include "apr_atomic.h"
#include "apr_strings.h"

#include "registry/keys.h"
#include "registry/pairing.h"

/* How many blobs are looked for: some may have been lost. */
#define SAMPLE 16

typedef struct pair_t {
    const oci_registry_t *registry;
    int starting;       /* the blob store was not started yet */
    const char *wanted; /* the id that the index knows, or NULL */
    const char *found;  /* the id that the store has, or NULL */
    int unsure;         /* a store failed, as its next user will say */
    apr_pool_t *pool;
} pair_t;

/* A store that is not there yet has nothing. */
static int is_absence(const pair_t *pair, apr_status_t rv)
{
    return rv == APR_NOTFOUND
        || (pair->starting && (rv == ENOENT || rv == ENOTDIR));
}

static void read_wanted(pair_t *pair)
{
    oci_value_t value;

    if (oci_fact_get(&value, pair->registry, oci_key_store(), pair->pool)) {
        pair->unsure = 1;
    }
    else {
        pair->wanted = value.size ? value.data : NULL;
    }
}

static void read_found(pair_t *pair, int make)
{
    oci_blob_store_t *blobs = pair->registry->blobs;
    apr_status_t rv = blobs->provider->identity(&pair->found, blobs, make,
                                                pair->pool);

    if (rv != APR_SUCCESS) {
        pair->found = NULL;
        pair->unsure |= !is_absence(pair, rv);
    }
}

static oci_error_t *refuse(const pair_t *pair, const char *why)
{
    oci_error_t *error = oci_error_make(pair->pool, OCI_E_UNAVAILABLE, NULL,
                                        NULL,
                                        "the registry's blobs are not "
                                        "in their place");

    error->note = why;
    return error;
}

static oci_error_t *compare_ids(const pair_t *pair)
{
    const char *index = pair->registry->index->where;
    const char *blobs = pair->registry->blobs->where;

    if (!pair->found) {
        return refuse(
            pair,
            apr_psprintf(pair->pool,
                         "the index %s belongs "
                         "to the blob store with the id %s, but the blob store "
                         "%s has no id: is its disk mounted?",
                         index, pair->wanted, blobs));
    }
    return strcmp(pair->wanted, pair->found)
        ? refuse(pair,
                 apr_psprintf(
                     pair->pool,
                     "the index %s belongs to "
                     "the blob store with the id %s, but the blob store %s "
                     "has the id %s: configure a pair that belongs together",
                     index, pair->wanted, blobs, pair->found))
        : NULL;
}

/* Whether the store has a blob of this record: size ";" locator. */
static int has_blob(pair_t *pair, const oci_value_t *record)
{
    oci_blob_store_t *blobs = pair->registry->blobs;
    const char *semicolon = strchr(record->data, ';');
    apr_off_t size;
    apr_status_t rv = semicolon
        ? blobs->provider->blob_size(&size, blobs, semicolon + 1, pair->pool)
        : APR_NOTFOUND;

    pair->unsure |= rv != APR_SUCCESS && !is_absence(pair, rv);
    return rv == APR_SUCCESS;
}

/* Of an index that knows no id: see whether the blobs that it knows are in
 * the store. */
static oci_error_t *look_for_blobs(pair_t *pair)
{
    oci_scan_t scan = { oci_key_blob(pair->pool, NULL), NULL, SAMPLE, 1, 0 };
    apr_array_header_t *entries;
    int i;

    if (oci_facts_scan(&entries, pair->registry, &scan, pair->pool)) {
        pair->unsure = 1;
        return NULL;
    }
    for (i = 0; i < entries->nelts; i++) {
        if (has_blob(pair, &APR_ARRAY_IDX(entries, i, oci_entry_t).value)) {
            return NULL;
        }
    }
    return !entries->nelts || pair->unsure
        ? NULL
        : refuse(
            pair,
            apr_psprintf(pair->pool,
                         "the index %s knows blobs, "
                         "but the blob store %s has none of them: is its disk "
                         "mounted?",
                         pair->registry->index->where,
                         pair->registry->blobs->where));
}

/* Enter the store's id.  Another process may do so at the same time: what it
 * has entered counts.  Where an id cannot be made or entered, as on a disk
 * that is full, the pair is served as it is. */
static oci_error_t *enter_id(pair_t *pair)
{
    apr_array_header_t *changes = oci_change_list_make(pair->pool);

    read_found(pair, 1);
    if (!pair->found) {
        return NULL;
    }
    oci_change_put(changes, OCI_CHANGE_ADD, oci_key_store(), pair->found,
                   strlen(pair->found));
    if (oci_facts_apply(pair->registry, changes, 1, pair->pool)) {
        read_wanted(pair);
        return pair->wanted ? compare_ids(pair) : NULL;
    }
    return NULL;
}

static oci_error_t *judge(pair_t *pair)
{
    oci_error_t *error;

    if (!pair->registry->blobs->provider->identity) {
        return NULL;
    }
    read_wanted(pair);
    read_found(pair, 0);
    if (pair->unsure) {
        return NULL;
    }
    if (pair->wanted) {
        return compare_ids(pair);
    }
    error = look_for_blobs(pair);
    if (error || pair->unsure || pair->starting) {
        return error;
    }
    error = enter_id(pair);
    pair->unsure = 0;
    return error;
}

oci_error_t *oci_pairing_precheck(const oci_registry_t *registry,
                                  apr_pool_t *pool)
{
    pair_t pair = { .registry = registry, .starting = 1, .pool = pool };
    int unfinished;

    /* A copy may still be on its way; its requests are answered 503. */
    return oci_fact_exists(&unfinished, registry, oci_key_copy(), pool)
            || unfinished
        ? NULL
        : judge(&pair);
}

static oci_error_t *refuse_copy(const oci_registry_t *registry,
                                apr_pool_t *pool)
{
    oci_error_t *error = oci_error_make(pool, OCI_E_UNAVAILABLE, NULL, NULL,
                                        "this registry is being moved");

    error->note = apr_pstrcat(pool, registry->index->where,
                              " holds an "
                              "unfinished copy: run \"ociadmin copy\" again "
                              "to finish it",
                              NULL);
    return error;
}

oci_error_t *oci_pairing_check(const oci_registry_t *registry, apr_pool_t *pool)
{
    pair_t pair = { .registry = registry, .pool = pool };
    oci_error_t *error;
    int unfinished;

    if (apr_atomic_casptr((void *)registry->checked, NULL, NULL)
        == registry->blobs) {
        return NULL;
    }
    /* Where the index fails, whoever wants something of it will say so. */
    if (oci_fact_exists(&unfinished, registry, oci_key_copy(), pool)) {
        return NULL;
    }
    if (unfinished) {
        return refuse_copy(registry, pool);
    }
    error = judge(&pair);
    if (!error && !pair.unsure) {
        apr_atomic_xchgptr((void *)registry->checked, registry->blobs);
    }
    return error;
}
