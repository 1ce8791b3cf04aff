/* SPDX-License-Identifier: Apache-2.0 */

/* Copies a blob store to one that gives the blobs other names, such as from a
 * directory to a bucket, or back.  The index names the blobs, and notes where
 * each is in TO:
 *
 *     moving             the ids of TO and FROM, since the copy has begun
 *     moved/<digest>     the record that the blob will have
 *
 * A blob is durable in TO before it is noted, so that a copy that is killed
 * leaves at most bytes without a record, which garbage collection deletes
 * later. A later call copies what is not noted, or what TO does not list any
 * more.  The registry goes on with FROM until oci_move_switch(). */

#include <stdio.h>
#include <string.h>

#include "apr_strings.h"
#include "apr_time.h"

#include "admin/copy_report.h"
#include "admin/copy_sides.h"
#include "admin/interrupt.h"
#include "admin/move_blobs.h"
#include "admin/move_target.h"
#include "registry/blob.h"
#include "registry/keys.h"
#include "registry/unfinished.h"
#include "registry/walk.h"
#include "values/digest.h"

/* Only one copy to or from a store of an index runs at a time.  No repository
 * and no blob has a lock of this name. */
#define LOCK_NAME "move"

/* A step of a move. */
typedef const char *step_t(oci_move_t *move);

/* Do a step as the owner of TO. */
static const char *do_in_target(step_t *step, oci_move_t *move)
{
    const oci_copy_side_t *to = &move->copy->to;
    oci_owner_caller_t caller;
    apr_status_t rv = oci_owner_enter(&caller, &to->owner, move->pool);
    const char *problem = rv == APR_SUCCESS
        ? step(move)
        : oci_copy_explain("act as the owner of", to->store, rv, move->pool);

    oci_owner_leave(&caller);
    return problem;
}

/* ---- the index */

/* Read a fact; NULL if there is none. */
static oci_error_t *read_fact(const char **text, const oci_move_t *move,
                              const char *key)
{
    oci_value_t value;
    oci_error_t *error = oci_fact_get(&value, &move->copy->names, key,
                                      move->pool);

    *text = error ? NULL : value.data;
    return error;
}

/* Read what the index says, and check that it belongs to FROM. */
static const char *check_index(oci_move_t *move)
{
    const char *from = move->copy->from.id, *store;
    oci_error_t *error = read_fact(&store, move, oci_key_store());

    if (!error) {
        error = read_fact(&move->index_id, move, oci_key_index());
    }
    if (!error) {
        error = read_fact(&move->copy_of, move, oci_key_copy_of());
    }
    if (!error) {
        error = read_fact(&move->moving, move, oci_key_moving());
    }
    if (error) {
        return oci_error_text(error, move->pool);
    }
    move->replacing = store && oci_unfinished_is_move(store);
    if (move->replacing && !move->copy->request->change) {
        return apr_psprintf(move->pool,
                            "the records of the index %s are being replaced: "
                            "add --switch to finish this",
                            move->index);
    }
    if (store && move->copy->to.id && !strcmp(store, move->copy->to.id)) {
        return apr_psprintf(move->pool,
                            "the index %s belongs to %s already: nothing is "
                            "left to do",
                            move->index, move->copy->to.store->where);
    }
    if (!move->replacing && (!store || strcmp(store, from) != 0)) {
        return apr_psprintf(move->pool, "the index %s does not belong to %s",
                            move->index, move->copy->from.store->where);
    }
    return move->index_id
        ? NULL
        : apr_psprintf(move->pool,
                       "the index %s has no id: httpd has not served a request "
                       "with it yet",
                       move->index);
}

/* Forget where the blobs are in another store. */
static oci_error_t *visit_forgotten(oci_walk_t *walk, const char *digest,
                                    const oci_value_t *value, apr_pool_t *pool)
{
    (void)value;
    return oci_fact_delete(walk->registry, oci_key_moved(pool, digest), 1,
                           pool);
}

/* Record that a copy to TO has begun. */
static const char *record_begin(oci_move_t *move)
{
    const char *moving = apr_pstrcat(move->pool, move->copy->to.id, ";",
                                     move->copy->from.id, NULL);
    oci_walk_t walk = { .registry = &move->copy->names,
                        .prefix = oci_key_moved(move->pool, ""),
                        .visit = visit_forgotten };
    oci_error_t *error = oci_walk(&walk, move->pool);

    if (!error) {
        error = oci_fact_put(walk.registry, oci_key_moving(), moving, 1,
                             move->pool);
    }
    return error ? oci_error_text(error, move->pool) : NULL;
}

/* Check that the index notes no other copy. */
static const char *check_notes(const oci_move_t *move)
{
    if (move->begun || (!move->moving && !move->replacing)) {
        return NULL;
    }
    if (move->replacing) {
        return apr_psprintf(move->pool,
                            "the blobs of the index %s are being moved between "
                            "other stores: name those as FROM and TO",
                            move->index);
    }
    return move->copy->request->force
        ? NULL
        : apr_psprintf(move->pool,
                       "the index %s notes an unfinished copy to another blob "
                       "store: finish that copy, or use --force to forget it",
                       move->index);
}

/* Begin the copy, unless it has begun. */
static const char *begin(oci_move_t *move)
{
    const char *problem = do_in_target(oci_move_target_find, move);

    if (!problem) {
        problem = check_notes(move);
    }
    if (!problem) {
        problem = do_in_target(oci_move_target_claim, move);
    }
    return problem || move->begun ? problem : record_begin(move);
}

/* ---- the copy */

/* Note where TO has a blob. */
static oci_error_t *note_moved(oci_move_t *move, const oci_blob_t *blob,
                               const char *locator, apr_pool_t *pool)
{
    const char *record = oci_blob_format(blob->size, locator, pool);

    oci_move_target_add(move, record, pool);
    return oci_fact_put(&move->copy->names, oci_key_moved(pool, blob->digest),
                        record, 1, pool);
}

/* Copy a recorded blob. */
static oci_error_t *copy_recorded(oci_move_t *move, const oci_blob_t *blob,
                                  apr_pool_t *pool)
{
    oci_stored_t stored = { .name = blob->locator,
                            .digest = blob->digest,
                            .size = blob->size };
    const char *locator = NULL;
    const char *problem = oci_copy_blob(&locator, move->copy, &stored, pool);

    if (problem) {
        return oci_error_storage(pool, APR_SUCCESS, "%s", problem);
    }
    return locator ? note_moved(move, blob, locator, pool) : NULL;
}

/* Copy the blob of a record, unless that was done. */
static oci_error_t *visit_record(oci_walk_t *walk, const char *digest,
                                 const oci_value_t *value, apr_pool_t *pool)
{
    oci_move_t *move = walk->baton;
    oci_blob_copy_t *copy = move->copy;
    oci_value_t moved;
    oci_blob_t blob;
    oci_error_t *error;

    oci_progress_show(copy->progress, copy->blobs + copy->present, copy->bytes);
    if (oci_interrupt_pending()) {
        return oci_error_storage(pool, APR_SUCCESS,
                                 "interrupted; " OCI_COPY_HOW_TO_CONTINUE);
    }
    if (!oci_digest_valid(digest)
        || oci_blob_parse(&blob, value->data, &copy->names, digest, pool)) {
        oci_progress_end(copy->progress);
        fprintf(stderr,
                "ociadmin: skipped: the record of %s is damaged; \"ociadmin "
                "check --repair\" mends it\n",
                digest);
        copy->skipped++;
        return NULL;
    }
    error = oci_fact_get(&moved, &copy->names, oci_key_moved(pool, digest),
                         pool);
    if (error) {
        return error;
    }
    if (moved.data
            ? oci_move_target_has(move, moved.data, pool)
            : move->replacing && oci_move_target_has(move, value->data, pool)) {
        copy->present++;
        return NULL;
    }
    return copy_recorded(move, &blob, pool);
}

static const char *copy_all(oci_move_t *move)
{
    oci_walk_t walk = { .registry = &move->copy->names,
                        .prefix = oci_key_blob(move->pool, ""),
                        .values = 1,
                        .visit = visit_record,
                        .baton = move };
    oci_error_t *error = oci_blob_filter_make(&move->present, move->pool);
    const char *problem = error ? oci_error_text(error, move->pool)
                                : do_in_target(oci_move_target_note, move);

    if (!problem && move->copy->to.store->provider->remote) {
        problem = do_in_target(oci_move_target_clean, move);
    }
    if (problem) {
        return problem;
    }
    error = oci_walk(&walk, move->pool);
    return error ? oci_error_text(error, move->pool) : NULL;
}

/* ---- the command */

static const char *check_providers(const oci_blob_copy_t *copy)
{
    const oci_blob_store_provider_t *from = copy->from.store->provider;
    const oci_blob_store_provider_t *to = copy->to.store->provider;

    return from->identity && to->identity && to->owner && to->list
        ? NULL
        : "copy --blobs needs a FROM that has an id, and a TO that has one and "
          "can list its blobs";
}

static const char *open_stores(oci_move_t *move)
{
    oci_blob_copy_t *copy = move->copy;
    const char *problem;

    if (!copy->request->index) {
        return "a copy from or to a remote store needs --index INDEX: the "
               "index records where each blob is";
    }
    if (!strcmp(copy->from.store->where, copy->to.store->where)) {
        return "FROM and TO are the same blob store: name two different ones";
    }
    problem = check_providers(copy);
    if (!problem) {
        problem = oci_copy_open_index(&move->index, copy);
    }
    if (!problem) {
        problem = oci_copy_sides_own(copy);
    }
    if (!problem) {
        problem = oci_copy_call_as_owner(oci_copy_side_check_source, copy,
                                         &copy->from);
    }
    return problem ? problem : check_index(move);
}

/* Say how to go on. */
static void print_next(const oci_move_t *move)
{
    const oci_blob_copy_t *copy = move->copy;

    if (copy->request->change) {
        printf("%s belongs to %s now: write it as OCIBlobStore, and start "
               "httpd\n",
               move->index, copy->to.store->where);
    }
    else {
        printf("%s still belongs to %s: to go on with the copy, stop httpd, "
               "and run the same command with --switch\n",
               move->index, copy->from.store->where);
    }
    if (!copy->to.store->provider->remote) {
        oci_copy_warn_of_root(&copy->to.owner, copy->to.store->where);
    }
}

/* Copy, under the lock. */
static const char *run(oci_move_t *move)
{
    const oci_blob_copy_t *copy = move->copy;
    const char *problem = begin(move);

    if (!problem) {
        problem = copy_all(move);
    }
    oci_progress_end(copy->progress);
    if (problem || (!copy->request->change && !copy->skipped)) {
        return problem;
    }
    return copy->skipped
        ? apr_psprintf(move->pool,
                       "not every blob could be copied, so %s still belongs to "
                       "%s",
                       move->index, copy->from.store->where)
        : oci_move_switch(move);
}

const char *oci_move_blobs(oci_blob_copy_t *copy)
{
    oci_move_t move = { .copy = copy, .pool = copy->pool };
    apr_time_t begun = apr_time_now();
    const char *problem = open_stores(&move);
    oci_lock_t *lock;
    oci_error_t *error;

    if (problem) {
        return problem;
    }
    error = oci_registry_lock(&lock, &copy->names, LOCK_NAME,
                              OCI_LOCK_EXCLUSIVE, copy->pool);
    if (error) {
        return error->locked ? "another copy of the blobs of this index is "
                               "running"
                             : oci_error_text(error, copy->pool);
    }
    problem = run(&move);
    oci_registry_unlock(&copy->names, lock);
    if (!problem || copy->blobs || copy->skipped || copy->request->json) {
        oci_copy_report(copy, begun);
    }
    if (!copy->request->json && !problem) {
        print_next(&move);
    }
    return problem;
}
