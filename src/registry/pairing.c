/* SPDX-License-Identifier: Apache-2.0 */

/* Checks that a blob store and an index belong together. */

#include <errno.h>
#include <string.h>

#include "apr_strings.h"

#include "registry/keys.h"
#include "registry/pairing.h"
#include "registry/pairing_state.h"
#include "registry/pairing_words.h"
#include "registry/random.h"
#include "registry/unfinished.h"

/* How many blobs are looked for, because some of them may have been lost. */
#define SAMPLE 16

#define ID_SIZE 16 /* of an index, bytes before hex encoding */

typedef struct pair_t {
    const oci_registry_t *registry;
    int starting; /* the blob store is not started yet */
    int hurried;  /* a store that did not answer just now is not asked again */
    int changes;  /* a request that changes something */
    const char *index_id; /* the id recorded in the index, or NULL */
    const char *store_id; /* the id of the blob store, or NULL */
    const char *own_id;   /* the id of the index, or NULL */
    const char *owner;    /* the id of the index that the store belongs to */
    int is_new;           /* the store has its id since this check */
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

/* Read a fact that is an id; NULL if there is none. */
static oci_error_t *read_fact(const char **id, const pair_t *pair,
                              const char *key)
{
    oci_value_t value = { NULL, 0 };
    oci_error_t *error = oci_fact_get(&value, pair->registry, key, pair->pool);

    *id = !error && value.size ? value.data : NULL;
    return error;
}

static void read_index_id(pair_t *pair)
{
    oci_error_t *error = read_fact(&pair->index_id, pair, oci_key_store());

    if (error) {
        pair->failure = error;
    }
}

static void read_store_id(pair_t *pair, int make)
{
    oci_blob_store_t *blobs = pair->registry->blobs;
    oci_error_t *silence = pair->hurried && !make
        ? oci_pairing_silence(pair->registry, pair->changes, pair->pool)
        : NULL;
    apr_status_t rv;

    if (silence) {
        pair->failure = silence;
        return;
    }
    rv = blobs->provider->identity(&pair->store_id, blobs, make, pair->pool);
    if (rv != APR_SUCCESS) {
        pair->store_id = NULL;
        note_failure(pair, rv, "read the id of");
    }
    oci_pairing_note_answer(pair->registry, rv);
}

static oci_error_t *refuse(const pair_t *pair, const char *note)
{
    return oci_pairing_refuse(note, pair->pool);
}

static oci_error_t *compare_ids(const pair_t *pair)
{
    const char *index = pair->registry->index->where;
    const char *blobs = pair->registry->blobs->where;

    if (!pair->store_id) {
        return refuse(
            pair,
            apr_psprintf(pair->pool,
                         "the index %s belongs to the blob store with the id "
                         "%s, but the blob store %s has no id: %s",
                         index, pair->index_id, blobs,
                         oci_pairing_where(pair->registry)));
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

/* Compare the id that the index has recorded with that of the store. */
static oci_error_t *check_recorded(pair_t *pair)
{
    return oci_unfinished_is_move(pair->index_id)
        ? oci_pairing_refuse_move(pair->registry, pair->pool)
        : compare_ids(pair);
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
        : refuse(pair,
                 apr_psprintf(
                     pair->pool,
                     "the index %s lists blobs, but the blob store %s has none "
                     "of them: %s  If the blobs were removed on purpose, write "
                     "32 hex digits into %s there",
                     pair->registry->index->where, pair->registry->blobs->where,
                     oci_pairing_where(pair->registry),
                     oci_pairing_id_name(pair->registry)));
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

/* Read the id of the index; with make, give it one if it has none. */
static oci_error_t *read_own_id(pair_t *pair, int make)
{
    apr_array_header_t *changes = oci_change_list_make(pair->pool);
    oci_error_t *error = read_fact(&pair->own_id, pair, oci_key_index());
    const char *id;

    if (error || pair->own_id || !make) {
        return error;
    }
    error = oci_random_hex(&id, ID_SIZE, pair->pool);
    if (error) {
        return error;
    }
    oci_change_put(changes, OCI_CHANGE_ADD, oci_key_index(), id, strlen(id));
    error = oci_facts_apply(pair->registry, changes, 1, pair->pool);
    return error && !APR_STATUS_IS_EEXIST(error->status)
        ? error
        : read_fact(&pair->own_id, pair, oci_key_index());
}

/* Ask the store for its owner, or change it, as the function of the provider
 * does. */
static oci_error_t *ask_owner(pair_t *pair, const char *old, const char *owner)
{
    oci_blob_store_t *blobs = pair->registry->blobs;
    apr_status_t rv = blobs->provider->owner
        ? blobs->provider->owner(&pair->owner, blobs, old, owner, pair->pool)
        : APR_NOTFOUND;

    if (rv == APR_SUCCESS) {
        return NULL;
    }
    pair->owner = NULL;
    return is_absence(pair, rv)
        ? NULL
        : oci_error_storage(pair->pool, rv,
                            "cannot read or change to which "
                            "index %s belongs",
                            blobs->where);
}

/* Whether the store belongs to another index. */
static int is_foreign(const pair_t *pair)
{
    return pair->owner
        && (!pair->own_id || strcmp(pair->owner, pair->own_id) != 0);
}

/* Whether the index is a copy of the one that the store belongs to. */
static oci_error_t *is_successor(int *successor, const pair_t *pair)
{
    const char *copied;
    oci_error_t *error = read_fact(&copied, pair, oci_key_copy_of());

    *successor = copied && pair->owner && !strcmp(copied, pair->owner);
    return error;
}

/* Make the store belong to the index that serves it: if it belongs to none, if
 * it got its id just now, or if the index is a copy of its owner. */
static oci_error_t *take_over(pair_t *pair)
{
    oci_error_t *error;
    int successor = 0;

    if (!pair->registry->blobs->provider->owner) {
        return NULL;
    }
    error = read_own_id(pair, 1);
    if (!error) {
        error = ask_owner(pair, NULL, pair->own_id);
    }
    if (error || !is_foreign(pair)) {
        return error;
    }
    error = is_successor(&successor, pair);
    return !error && (successor || pair->is_new)
        ? ask_owner(pair, pair->owner, pair->own_id)
        : error;
}

/* For an empty index, and a store without blobs: check that no other index uses
 * the store. */
static oci_error_t *check_unowned(pair_t *pair)
{
    pair->failure = read_own_id(pair, 0);
    if (!pair->failure) {
        pair->failure = ask_owner(pair, NULL, NULL);
    }
    return pair->failure || !is_foreign(pair)
        ? NULL
        : refuse(pair,
                 apr_psprintf(pair->pool,
                              "the blob store %s belongs to another index, and "
                              "the index %s is empty: configure its index, or "
                              "another blob store.  If its index is lost for "
                              "good, remove %s there",
                              pair->registry->blobs->where,
                              pair->registry->index->where,
                              oci_pairing_id_name(pair->registry)));
}

/* For an index without an id, and a store that has one: another index has used
 * the store.  Garbage collection of either would delete blobs of the other. */
static oci_error_t *check_unused(pair_t *pair)
{
    if (lists_blobs(pair) || pair->failure) {
        return NULL;
    }
    if (!holds_blobs(pair)) {
        return pair->failure ? NULL : check_unowned(pair);
    }
    return refuse(
        pair,
        apr_psprintf(
            pair->pool,
            "the blob store %s holds blobs of another index, and the index %s "
            "is empty: configure the index that belongs to the blob store, or "
            "another blob store.  If that index is lost for good, remove %s "
            "there",
            pair->registry->blobs->where, pair->registry->index->where,
            oci_pairing_id_name(pair->registry)));
}

/* Record the store's id in the index.  If another process has recorded an id
 * first, that id is compared.  If an id cannot be created or recorded, for
 * example because the disk is full, the pair is served without one. */
static oci_error_t *record_store_id(pair_t *pair)
{
    apr_array_header_t *changes = oci_change_list_make(pair->pool);
    oci_error_t *error;

    pair->is_new = !pair->store_id;
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
    return pair->index_id                     ? check_recorded(pair)
        : APR_STATUS_IS_EEXIST(error->status) ? pair->failure
                                              : NULL;
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
    if (pair->store_id && oci_unfinished_is_id(pair->store_id)) {
        return oci_pairing_refuse_store(pair->registry, pair->pool);
    }
    if (pair->index_id) {
        return check_recorded(pair);
    }
    error = pair->store_id ? check_unused(pair) : check_sample(pair);
    if (error && pair->store_id) {
        /* Another process may have recorded it, and used the store, since. */
        read_index_id(pair);
        return pair->index_id ? check_recorded(pair) : error;
    }
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

/* Check that the index is complete, and belongs to the blob store. */
static oci_error_t *check_complete_pair(pair_t *pair)
{
    int unfinished;
    oci_error_t *error = oci_fact_exists(&unfinished, pair->registry,
                                         oci_key_copy(), pair->pool);

    if (error) {
        return error;
    }
    return unfinished ? oci_pairing_refuse_copy(pair->registry, pair->pool)
                      : check_pair(pair);
}

oci_error_t *oci_pairing_check(const oci_registry_t *registry, int changes,
                               apr_pool_t *pool)
{
    pair_t pair = {
        .registry = registry, .hurried = 1, .changes = changes, .pool = pool
    };
    oci_error_t *error;

    if (oci_pairing_is_accepted(registry)) {
        return NULL;
    }
    error = check_complete_pair(&pair);
    if (!error && changes) {
        error = pair.failure;
    }
    if (!error && !pair.failure) {
        /* Without the right owner, only garbage collection is refused. */
        if (pair.store_id) {
            take_over(&pair);
        }
        oci_pairing_accept(registry);
    }
    return error;
}

/* Refuse to collect garbage: the store belongs to another index. */
static oci_error_t *refuse_foreign(const pair_t *pair)
{
    const char *blobs = pair->registry->blobs->where;
    const char *index = pair->registry->index->where;
    int successor;
    oci_error_t *error = is_successor(&successor, pair);

    if (error) {
        return error;
    }
    return refuse(
        pair,
        successor
            ? apr_psprintf(pair->pool,
                           "the index %s is a copy, and httpd has not served a "
                           "request with it yet, so nothing is done: the "
                           "blob store %s still belongs to the index from "
                           "which it was copied",
                           index, blobs)
            : apr_psprintf(pair->pool,
                           "the blob store %s belongs to another index than "
                           "%s, so nothing is done; name the index that "
                           "httpd uses.  If httpd uses this one, and no other, "
                           "remove %s from the blob store, and restart httpd",
                           blobs, index,
                           oci_pairing_index_name(pair->registry)));
}

oci_error_t *oci_pairing_check_owner(const oci_registry_t *registry, int claim,
                                     apr_pool_t *pool)
{
    pair_t pair = { .registry = registry, .pool = pool };
    oci_error_t *error = check_complete_pair(&pair);

    if (!error) {
        error = pair.failure;
    }
    if (error || !registry->blobs->provider->owner) {
        return error;
    }
    error = read_own_id(&pair, claim);
    if (!error) {
        error = ask_owner(&pair, NULL, claim ? pair.own_id : NULL);
    }
    return error || !is_foreign(&pair) ? error : refuse_foreign(&pair);
}
