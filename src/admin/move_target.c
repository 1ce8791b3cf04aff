/* SPDX-License-Identifier: Apache-2.0 */

/* The blob store TO of a copy that gives the blobs other names. */

#include <string.h>

#include "apr_strings.h"

#include "admin/copy_sides.h"
#include "admin/interrupt.h"
#include "admin/move_target.h"
#include "registry/blob.h"
#include "registry/stored_walk.h"
#include "registry/unfinished.h"
#include "values/digest.h"

static const char *refuse_target(const oci_move_t *move, const char *why)
{
    return apr_psprintf(move->pool, "cannot copy to %s: %s",
                        move->copy->to.store->where, why);
}

const char *oci_move_target_find(oci_move_t *move)
{
    oci_copy_side_t *to = &move->copy->to;
    oci_blob_store_t *store = to->store;
    const char *from = move->copy->from.id;
    apr_status_t rv = store->provider->identity(&to->id, store, 0, move->pool);

    if (rv == APR_NOTFOUND
        || (!store->provider->remote && APR_STATUS_IS_ENOENT(rv))) {
        to->id = NULL;
        return NULL;
    }
    if (rv != APR_SUCCESS) {
        return oci_copy_explain("read the id of", store, rv, move->pool);
    }
    if (!strcmp(to->id, from)) {
        return "FROM and TO are the same blob store: name two different ones";
    }
    move->begun = move->moving
        && !strcmp(move->moving,
                   apr_pstrcat(move->pool, to->id, ";", from, NULL));
    return oci_unfinished_is_id(to->id)
        ? refuse_target(move, "it is an unfinished copy of another blob store")
        : NULL;
}

/* Check that TO has no blobs. */
static const char *check_empty(oci_move_t *move)
{
    oci_blob_store_t *store = move->copy->to.store;
    apr_array_header_t *entries;
    apr_status_t rv = store->provider->list(&entries, store, OCI_STORED_BLOBS,
                                            NULL, 1, move->pool);

    if (rv != APR_SUCCESS) {
        return oci_copy_explain("list the blobs in", store, rv, move->pool);
    }
    return entries->nelts
        ? refuse_target(move, "it has blobs; name a new directory or prefix")
        : NULL;
}

/* Make TO belong to the index, unless it belongs to another one. */
static const char *set_owner(oci_move_t *move)
{
    oci_blob_store_t *store = move->copy->to.store;
    const char *owner = NULL;
    apr_status_t rv = store->provider->owner(&owner, store, NULL,
                                             move->index_id, move->pool);

    if (rv != APR_SUCCESS) {
        return oci_copy_explain("read or change to which index belongs", store,
                                rv, move->pool);
    }
    return owner
            && (!strcmp(owner, move->index_id)
                || (move->copy_of && !strcmp(owner, move->copy_of)))
        ? NULL
        : refuse_target(move, "it belongs to another index; name a new one");
}

const char *oci_move_target_claim(oci_move_t *move)
{
    oci_copy_side_t *to = &move->copy->to;
    oci_blob_store_t *store = to->store;
    const char *problem = store->provider->start(store, to->owner.uid,
                                                 to->owner.gid, move->pool);
    apr_status_t rv;

    if (!problem && !move->begun) {
        problem = check_empty(move);
    }
    if (problem) {
        return problem;
    }
    rv = store->provider->identity(&to->id, store, 1, move->pool);
    return rv == APR_SUCCESS
        ? set_owner(move)
        : oci_copy_explain("read the id of", store, rv, move->pool);
}

/* Visit what TO lists. */
static const char *walk_target(oci_move_t *move, oci_stored_e kind,
                               oci_stored_visit_t *visit)
{
    oci_stored_walk_t walk = { .store = move->copy->to.store,
                               .kind = kind,
                               .visit = visit,
                               .baton = move };
    oci_error_t *error = oci_stored_walk(&walk, move->pool);

    return error ? oci_error_text(error, move->pool) : NULL;
}

static const char *hash_of(const char *record, apr_pool_t *pool)
{
    return oci_digest_of(OCI_SHA256, record, strlen(record), pool);
}

static oci_error_t *note_stored(oci_stored_walk_t *walk,
                                const oci_stored_t *stored, apr_pool_t *pool)
{
    oci_move_target_add(walk->baton,
                        oci_blob_format(stored->size, stored->name, pool),
                        pool);
    walk->stop = oci_interrupt_pending();
    return NULL;
}

const char *oci_move_target_note(oci_move_t *move)
{
    return walk_target(move, OCI_STORED_BLOBS, note_stored);
}

/* Abort an upload of a copy. */
static oci_error_t *visit_upload(oci_stored_walk_t *walk,
                                 const oci_stored_t *stored, apr_pool_t *pool)
{
    oci_blob_store_t *store = walk->store;
    const char *end = strstr(stored->name, OCI_COPY_UPLOAD);
    oci_blob_writer_t *writer;

    if (end && !strcmp(end, OCI_COPY_UPLOAD)
        && store->provider->upload_open(&writer, store, stored->name, pool)
            == APR_SUCCESS) {
        store->provider->upload_abort(writer);
    }
    return NULL;
}

const char *oci_move_target_clean(oci_move_t *move)
{
    return walk_target(move, OCI_STORED_UPLOADS, visit_upload);
}

int oci_move_target_has(const oci_move_t *move, const char *record,
                        apr_pool_t *pool)
{
    return oci_digest_filter_has(move->present, hash_of(record, pool));
}

void oci_move_target_add(oci_move_t *move, const char *record, apr_pool_t *pool)
{
    oci_digest_filter_add(move->present, hash_of(record, pool));
}
