/* SPDX-License-Identifier: Apache-2.0 */

/* Checks that a blob store and an index belong together. */

#include <errno.h>
#include <string.h>

#include "apr_atomic.h"
#include "apr_strings.h"

#include "registry/keys.h"
#include "registry/pairing.h"

/* How many blobs are looked for, because some of them may have been lost. */
#define SAMPLE 16

typedef struct pair_t {
    const oci_registry_t *registry;
    int starting;         /* the blob store is not started yet */
    const char *index_id; /* the id recorded in the index, or NULL */
    const char *store_id; /* the id of the blob store, or NULL */
    oci_error_t *failure; /* why a store could not be examined, or NULL */
    apr_pool_t *pool;
} pair_t;

/* Before start the store's directory need not exist. */
static int is_absence(const pair_t *pair, apr_status_t rv)
{
    return rv == APR_NOTFOUND
        || (pair->starting && (rv == ENOENT || rv == ENOTDIR));
}

/* Note why the blob store could not be examined, unless it is absent. */
static void note_failure(pair_t *pair, apr_status_t rv, const char *operation)
{
    if (!is_absence(pair, rv)) {
        pair->failure = oci_error_storage(pair->pool, rv, "cannot %s %s",
                                          operation,
                                          pair->registry->blobs->where);
    }
}

static void read_index_id(pair_t *pair)
{
    oci_value_t value;
    oci_error_t *error = oci_fact_get(&value, pair->registry, oci_key_store(),
                                      pair->pool);

    if (error) {
        pair->failure = error;
    }
    else {
        pair->index_id = value.size ? value.data : NULL;
    }
}

static void read_store_id(pair_t *pair, int make)
{
    oci_blob_store_t *blobs = pair->registry->blobs;
    apr_status_t rv = blobs->provider->identity(&pair->store_id, blobs, make,
                                                pair->pool);

    if (rv != APR_SUCCESS) {
        pair->store_id = NULL;
        note_failure(pair, rv, "read the id of");
    }
}

static oci_error_t *refuse(const pair_t *pair, const char *note)
{
    oci_error_t *error = oci_error_make(pair->pool, OCI_E_UNAVAILABLE, NULL,
                                        NULL,
                                        "the registry's blob store is not "
                                        "available");

    error->note = note;
    return error;
}

static oci_error_t *compare_ids(const pair_t *pair)
{
    const char *index = pair->registry->index->where;
    const char *blobs = pair->registry->blobs->where;

    if (!pair->store_id) {
        return refuse(
            pair,
            apr_psprintf(pair->pool,
                         "the index %s belongs "
                         "to the blob store with the id %s, but the blob store "
                         "%s has no id: is its disk mounted?",
                         index, pair->index_id, blobs));
    }
    return strcmp(pair->index_id, pair->store_id)
        ? refuse(pair,
                 apr_psprintf(
                     pair->pool,
                     "the index %s belongs to "
                     "the blob store with the id %s, but the blob store %s "
                     "has the id %s: configure a pair that belongs together",
                     index, pair->index_id, blobs, pair->store_id))
        : NULL;
}

/* Whether the store has the blob of this record, which is size ";" locator. */
static int has_blob(pair_t *pair, const oci_value_t *record)
{
    oci_blob_store_t *blobs = pair->registry->blobs;
    const char *semicolon = strchr(record->data, ';');
    apr_off_t size;
    apr_status_t rv = semicolon
        ? blobs->provider->blob_size(&size, blobs, semicolon + 1, pair->pool)
        : APR_NOTFOUND;

    if (rv != APR_SUCCESS) {
        note_failure(pair, rv, "look for a blob in");
    }
    return rv == APR_SUCCESS;
}

/* For an index without an id: check that the store has at least one of the
 * first blobs that the index lists. */
static oci_error_t *check_sample(pair_t *pair)
{
    oci_scan_t scan = { oci_key_blob(pair->pool, NULL), NULL, SAMPLE, 1, 0 };
    apr_array_header_t *entries;
    int i;

    pair->failure = oci_facts_scan(&entries, pair->registry, &scan, pair->pool);
    if (pair->failure) {
        return NULL;
    }
    for (i = 0; i < entries->nelts; i++) {
        if (has_blob(pair, &APR_ARRAY_IDX(entries, i, oci_entry_t).value)) {
            pair->failure = NULL;
            return NULL;
        }
    }
    return !entries->nelts || pair->failure
        ? NULL
        : refuse(
            pair,
            apr_psprintf(pair->pool,
                         "the index %s lists blobs, "
                         "but the blob store %s has none of them: is its disk "
                         "mounted?  If the blobs were removed on purpose, "
                         "write 32 hex digits into blobs/.id there",
                         pair->registry->index->where,
                         pair->registry->blobs->where));
}

/* Whether the index lists any blob. */
static int lists_blobs(pair_t *pair)
{
    oci_scan_t scan = { oci_key_blob(pair->pool, NULL), NULL, 1, 0, 1 };
    apr_array_header_t *entries;

    pair->failure = oci_facts_scan(&entries, pair->registry, &scan, pair->pool);
    return !pair->failure && entries->nelts;
}

/* Whether the store holds any blob. */
static int holds_blobs(pair_t *pair)
{
    oci_blob_store_t *blobs = pair->registry->blobs;
    apr_array_header_t *entries;
    apr_status_t rv;

    if (!blobs->provider->list) {
        return 0;
    }
    rv = blobs->provider->list(&entries, blobs, OCI_STORED_BLOBS, NULL, 1,
                               pair->pool);
    if (rv != APR_SUCCESS) {
        note_failure(pair, rv, "list the blobs in");
    }
    return rv == APR_SUCCESS && entries->nelts;
}

/* For an index without an id, and a store that has one: another index has used
 * the store.  Garbage collection of either would delete blobs of the other. */
static oci_error_t *check_unused(pair_t *pair)
{
    if (lists_blobs(pair) || pair->failure || !holds_blobs(pair)) {
        return NULL;
    }
    return refuse(
        pair,
        apr_psprintf(pair->pool,
                     "the blob store %s holds blobs of another index, and the "
                     "index %s is empty: configure the index that belongs to "
                     "the blob store, or another directory.  If that index is "
                     "lost for good, remove blobs/.id from the blob store",
                     pair->registry->blobs->where,
                     pair->registry->index->where));
}

/* Record the store's id in the index.  If another process has recorded an id
 * first, that id is compared.  If an id cannot be created or recorded, for
 * example because the disk is full, the pair is served without one. */
static oci_error_t *record_store_id(pair_t *pair)
{
    apr_array_header_t *changes = oci_change_list_make(pair->pool);
    oci_error_t *error;

    read_store_id(pair, 1);
    if (!pair->store_id) {
        return NULL;
    }
    oci_change_put(changes, OCI_CHANGE_ADD, oci_key_store(), pair->store_id,
                   strlen(pair->store_id));
    error = oci_facts_apply(pair->registry, changes, 1, pair->pool);
    if (!error) {
        return NULL;
    }
    read_index_id(pair);
    if (pair->index_id) {
        return compare_ids(pair);
    }
    return APR_STATUS_IS_EEXIST(error->status) ? pair->failure : NULL;
}

static oci_error_t *check_pair(pair_t *pair)
{
    oci_error_t *error;

    if (!pair->registry->blobs->provider->identity) {
        return NULL;
    }
    read_index_id(pair);
    read_store_id(pair, 0);
    if (pair->failure) {
        return NULL;
    }
    if (pair->index_id) {
        return compare_ids(pair);
    }
    error = pair->store_id ? check_unused(pair) : check_sample(pair);
    if (error || pair->failure || pair->starting) {
        return error;
    }
    error = record_store_id(pair);
    pair->failure = NULL;
    return error;
}

oci_error_t *oci_pairing_precheck(const oci_registry_t *registry,
                                  apr_pool_t *pool)
{
    pair_t pair = { .registry = registry, .starting = 1, .pool = pool };
    int unfinished;

    /* httpd may start while a copy is unfinished: requests then get 503. */
    return oci_fact_exists(&unfinished, registry, oci_key_copy(), pool)
            || unfinished
        ? NULL
        : check_pair(&pair);
}

oci_error_t *oci_pairing_try_index(const oci_registry_t *registry,
                                   apr_pool_t *pool)
{
    int unfinished;

    return oci_fact_exists(&unfinished, registry, oci_key_copy(), pool);
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

oci_error_t *oci_pairing_check(const oci_registry_t *registry, int changes,
                               apr_pool_t *pool)
{
    pair_t pair = { .registry = registry, .pool = pool };
    oci_error_t *error;
    int unfinished;

    if (apr_atomic_casptr((void *)registry->checked, NULL, NULL)
        == registry->blobs) {
        return NULL;
    }
    if ((error = oci_fact_exists(&unfinished, registry, oci_key_copy(),
                                 pool))) {
        return error;
    }
    if (unfinished) {
        return refuse_copy(registry, pool);
    }
    error = check_pair(&pair);
    if (!error && changes) {
        error = pair.failure;
    }
    if (!error && !pair.failure) {
        apr_atomic_xchgptr((void *)registry->checked, registry->blobs);
    }
    return error;
}
