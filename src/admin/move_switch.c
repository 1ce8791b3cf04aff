/* SPDX-License-Identifier: Apache-2.0 */

/* Makes an index belong to the blob store to which its blobs were copied.  No
 * byte is copied here.  What the index has if the command ends after a step:
 *
 *     mark the index      store is "unfinished move to ...": no blob store
 *                         belongs to the index, and every httpd that starts
 *                         refuses it
 *     replace records     each moved/<digest> takes the place of blob/<digest>,
 *                         and goes; of the two changes, the first one is made
 *                         first
 *     check the records   an httpd that was not stopped may have added some;
 *                         then it ends here
 *     end the mark        store is the id of TO, and moving goes
 *
 * The same command continues from any of them: what moved/ does not list leads
 * to TO already. */

#include <string.h>

#include "apr_strings.h"

#include "admin/interrupt.h"
#include "admin/move_switch.h"
#include "admin/move_target.h"
#include "registry/keys.h"
#include "registry/unfinished.h"
#include "registry/walk.h"
#include "values/digest.h"

/* How many records are replaced by one call of the index. */
#define BATCH 256

/* The replacement of the records. */
typedef struct replace_t {
    oci_move_t *move;
    apr_array_header_t *changes;
    apr_uint64_t missing; /* records that do not lead to TO afterwards */
    apr_pool_t *pool;     /* of changes */
} replace_t;

static const char *text_of(oci_error_t *error, apr_pool_t *pool)
{
    return error ? oci_error_text(error, pool) : NULL;
}

/* Set the id of the store that belongs to the index. */
static const char *set_store(const oci_move_t *move, const char *id, int ends)
{
    apr_array_header_t *changes = oci_change_list_make(move->pool);

    oci_change_put(changes, OCI_CHANGE_PUT, oci_key_store(), id, strlen(id));
    if (ends) {
        oci_change_delete(changes, oci_key_moving());
    }
    return text_of(oci_facts_apply(&move->copy->names, changes, 1, move->pool),
                   move->pool);
}

static void begin_batch(replace_t *replace)
{
    apr_pool_clear(replace->pool);
    replace->changes = oci_change_list_make(replace->pool);
}

static oci_error_t *end_batch(replace_t *replace)
{
    oci_error_t *error = replace->changes->nelts
        ? oci_facts_apply(&replace->move->copy->names, replace->changes, 1,
                          replace->pool)
        : NULL;

    if (!error) {
        begin_batch(replace);
    }
    return error;
}

/* Delete bytes in TO whose blob was deleted since they were copied.  What
 * cannot be deleted is left to garbage collection. */
static void delete_bytes(const oci_move_t *move, const char *record,
                         apr_pool_t *pool)
{
    const oci_copy_side_t *to = &move->copy->to;
    const char *locator = strchr(record, ';');
    oci_owner_caller_t caller;

    if (locator && oci_owner_enter(&caller, &to->owner, pool) == APR_SUCCESS) {
        to->store->provider->blob_delete(to->store, locator + 1, NULL, pool);
        oci_owner_leave(&caller);
    }
}

/* Let a record take the place of the old one. */
static oci_error_t *visit_moved(oci_walk_t *walk, const char *digest,
                                const oci_value_t *value, apr_pool_t *pool)
{
    replace_t *replace = walk->baton;
    oci_move_t *move = replace->move;
    const char *key = oci_key_blob(replace->pool, digest);
    int exists;
    oci_error_t *error;

    if (oci_interrupt_pending()) {
        return oci_error_storage(pool, APR_SUCCESS,
                                 "interrupted; " OCI_COPY_HOW_TO_CONTINUE);
    }
    error = oci_fact_exists(&exists, &move->copy->names, key, pool);
    if (error) {
        return error;
    }
    if (exists) {
        oci_change_put(replace->changes, OCI_CHANGE_PUT, key,
                       apr_pstrmemdup(replace->pool, value->data, value->size),
                       value->size);
        move->copy->switched++;
    }
    else {
        delete_bytes(move, value->data, pool);
    }
    oci_change_delete(replace->changes, oci_key_moved(replace->pool, digest));
    return replace->changes->nelts < BATCH ? NULL : end_batch(replace);
}

/* Remove a note about bytes in FROM. */
static oci_error_t *visit_stray(oci_walk_t *walk, const char *hash,
                                const oci_value_t *value, apr_pool_t *pool)
{
    replace_t *replace = walk->baton;

    (void)value;
    (void)pool;
    oci_change_delete(replace->changes, oci_key_stray(replace->pool, hash));
    return replace->changes->nelts < BATCH ? NULL : end_batch(replace);
}

static oci_error_t *replace_all(replace_t *replace, apr_pool_t *pool)
{
    oci_walk_t walk = { .registry = &replace->move->copy->names,
                        .prefix = oci_key_moved(pool, ""),
                        .values = 1,
                        .visit = visit_moved,
                        .baton = replace };
    oci_error_t *error = oci_walk(&walk, pool);

    if (!error) {
        error = end_batch(replace);
    }
    if (!error) {
        walk.prefix = oci_key_stray(pool, "");
        walk.values = 0;
        walk.visit = visit_stray;
        error = oci_walk(&walk, pool);
    }
    return error ? error : end_batch(replace);
}

/* Count a record that does not lead to TO. */
static oci_error_t *visit_record(oci_walk_t *walk, const char *digest,
                                 const oci_value_t *value, apr_pool_t *pool)
{
    replace_t *replace = walk->baton;

    (void)digest;
    replace->missing += !oci_move_target_has(replace->move, value->data, pool);
    return NULL;
}

/* Check that all records lead to TO, but for those of blobs that FROM does not
 * have: an httpd that still runs may have accepted a push. */
static const char *check_records(replace_t *replace)
{
    const oci_move_t *move = replace->move;
    oci_walk_t walk = { .registry = &move->copy->names,
                        .prefix = oci_key_blob(move->pool, ""),
                        .values = 1,
                        .any_order = 1,
                        .visit = visit_record,
                        .baton = replace };
    oci_error_t *error = oci_walk(&walk, move->pool);

    if (error || replace->missing <= move->copy->gone) {
        return text_of(error, move->pool);
    }
    return apr_psprintf(move->pool,
                        "an httpd has changed the index %s meanwhile: stop all "
                        "that use it, and run the same command again",
                        move->index);
}

const char *oci_move_switch(oci_move_t *move)
{
    const char *id = move->copy->to.id;
    replace_t replace = { .move = move };
    const char *problem = set_store(move, oci_unfinished_move(id, move->pool),
                                    0);

    if (problem) {
        return problem;
    }
    apr_pool_create(&replace.pool, move->pool);
    begin_batch(&replace);
    problem = text_of(replace_all(&replace, move->pool), move->pool);
    if (!problem) {
        problem = check_records(&replace);
    }
    return problem ? problem : set_store(move, id, 1);
}
