/* SPDX-License-Identifier: Apache-2.0 */

/* The blob store TO of a copy that gives the blobs other names. */

#include <string.h>

#include "apr_strings.h"

#include "admin/copy_sides.h"
#include "admin/interrupt.h"
#include "admin/move_target.h"
#include "registry/blob.h"
#include "registry/unfinished.h"
#include "values/digest.h"

#define PAGE        1000 /* entries that are listed at a time */
#define LOCATOR_MAX 512  /* as mod_oci.h says */

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

/* List the next entries of TO.
 * after: the name of the last one, in a buffer of LOCATOR_MAX + 1 bytes */
static const char *list_page(apr_array_header_t **page, oci_move_t *move,
                             oci_stored_e kind, char *after, apr_pool_t *pool)
{
    oci_blob_store_t *store = move->copy->to.store;
    apr_status_t rv = store->provider->list(page, store, kind,
                                            *after ? after : NULL, PAGE, pool);

    if (rv != APR_SUCCESS) {
        return oci_copy_explain("list", store, rv, pool);
    }
    if ((*page)->nelts) {
        apr_cpystrn(after,
                    APR_ARRAY_IDX(*page, (*page)->nelts - 1, oci_stored_t).name,
                    LOCATOR_MAX + 1);
    }
    return NULL;
}

static const char *hash_of(const char *record, apr_pool_t *pool)
{
    return oci_digest_of(OCI_SHA256, record, strlen(record), pool);
}

const char *oci_move_target_note(oci_move_t *move)
{
    char after[LOCATOR_MAX + 1] = "";
    apr_array_header_t *page;
    apr_pool_t *pool;
    const char *problem;
    int i;

    apr_pool_create(&pool, move->pool);
    do {
        apr_pool_clear(pool);
        problem = list_page(&page, move, OCI_STORED_BLOBS, after, pool);
        for (i = 0; !problem && i < page->nelts; i++) {
            const oci_stored_t *stored = &APR_ARRAY_IDX(page, i, oci_stored_t);

            oci_move_target_add(move,
                                oci_blob_format(stored->size, stored->name,
                                                pool),
                                pool);
        }
    } while (!problem && page->nelts && !oci_interrupt_pending());
    return problem;
}

const char *oci_move_target_clean(oci_move_t *move)
{
    oci_blob_store_t *store = move->copy->to.store;
    char after[LOCATOR_MAX + 1] = "";
    apr_array_header_t *page;
    apr_pool_t *pool;
    const char *problem;
    int i;

    apr_pool_create(&pool, move->pool);
    do {
        apr_pool_clear(pool);
        problem = list_page(&page, move, OCI_STORED_UPLOADS, after, pool);
        for (i = 0; !problem && i < page->nelts; i++) {
            const char *id = APR_ARRAY_IDX(page, i, oci_stored_t).name;
            const char *end = strstr(id, OCI_COPY_UPLOAD);
            oci_blob_writer_t *writer;

            if (end && !strcmp(end, OCI_COPY_UPLOAD)
                && store->provider->upload_open(&writer, store, id, pool)
                    == APR_SUCCESS) {
                store->provider->upload_abort(writer);
            }
        }
    } while (!problem && page->nelts);
    return problem;
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
