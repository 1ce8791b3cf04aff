/* SPDX-License-Identifier: Apache-2.0 */

/* Copies a blob store.  The steps, and the state that each leaves in TO if the
 * command ends there:
 *
 *     mark TO              its id says that it is an unfinished copy of FROM,
 *                          so that no index accepts it
 *     copy what TO lacks   each blob is compared with its digest, and is
 *                          durable before the next one begins
 *     give TO FROM's id    TO is complete
 *
 * A later call with the same names begins again, and steps over the blobs that
 * TO has.  A finished copy is marked again, unless a registry has used it.
 *
 * All of this is for stores that name a blob by its digest.  move_blobs.c has a
 * copy from or to a remote store.
 */

#include <stdio.h>
#include <string.h>

#include "apr_file_info.h"
#include "apr_strings.h"
#include "apr_time.h"

#include "admin/copy_blobs.h"
#include "admin/copy_report.h"
#include "admin/copy_sides.h"
#include "admin/interrupt.h"
#include "admin/move_blobs.h"
#include "registry/keys.h"
#include "registry/unfinished.h"
#include "store/fs/fs_blob_id.h"
#include "store/fs/fs_blobs.h"

#define PAGE        256 /* blobs that are listed at a time */
#define LOCATOR_MAX 512 /* as mod_oci.h says */

/* Whether both names lead to one store: it must not be marked as unfinished. */
static int is_same_store(const oci_blob_copy_t *copy)
{
    const char *from = copy->from.store->where;
    const char *to = copy->to.store->where;
    apr_int32_t wanted = APR_FINFO_DEV | APR_FINFO_INODE;
    apr_finfo_t a, b;

    return !strcmp(from, to)
        || (apr_stat(&a, from, wanted, copy->pool) == APR_SUCCESS
            && apr_stat(&b, to, wanted, copy->pool) == APR_SUCCESS
            && a.device == b.device && a.inode == b.inode);
}

static const char *refuse_target(const oci_blob_copy_t *copy, const char *why)
{
    return apr_psprintf(copy->pool,
                        "cannot copy to %s: %s; name a new directory, or an "
                        "unfinished copy of %s",
                        copy->to.store->where, why, copy->from.store->where);
}

/* Check that no registry has used a finished copy. */
static const char *check_unused(const oci_blob_copy_t *copy)
{
    oci_blob_store_t *store = copy->to.store;
    const char *owner = NULL;
    apr_status_t rv = store->provider->owner
        ? store->provider->owner(&owner, store, NULL, NULL, copy->pool)
        : APR_SUCCESS;

    if (rv != APR_SUCCESS) {
        return oci_copy_explain("read the id of the index of", store, rv,
                                copy->pool);
    }
    return owner
        ? apr_psprintf(copy->pool,
                       "cannot copy to %s: a registry has used it since it was "
                       "copied; name a new directory, or if no registry uses "
                       "it any more, remove blobs/.index there",
                       store->where)
        : NULL;
}

/* Check that a store without an id has no blobs. */
static const char *check_empty(const oci_blob_copy_t *copy)
{
    oci_blob_store_t *store = copy->to.store;
    apr_array_header_t *entries;
    apr_status_t rv = store->provider->list(&entries, store, OCI_STORED_BLOBS,
                                            NULL, 1, copy->pool);

    if (rv != APR_SUCCESS) {
        return oci_copy_explain("list the blobs in", store, rv, copy->pool);
    }
    return entries->nelts ? refuse_target(copy, "it has blobs and no id")
                          : NULL;
}

/* Check that TO is new, or a copy of FROM. */
static const char *check_target(oci_blob_copy_t *copy)
{
    const char *id = copy->to.id;

    if (!id) {
        return check_empty(copy);
    }
    if (!strcmp(id, copy->from.id)) {
        return check_unused(copy);
    }
    if (!strcmp(id, oci_unfinished_id(copy->from.id, copy->pool))) {
        return NULL;
    }
    return refuse_target(copy,
                         oci_unfinished_is_id(id)
                             ? "it is an unfinished copy of another blob "
                               "store"
                             : "it is another blob store");
}

/* Change the id of TO. */
static const char *set_target_id(oci_blob_copy_t *copy, const char *id)
{
    oci_copy_side_t *to = &copy->to;
    oci_blob_store_t *store = to->store;
    apr_status_t rv = oci_fs_blob_change_id(&to->id, oci_fs_blobs_dir(store),
                                            to->id, id, copy->pool);

    if (rv != APR_SUCCESS) {
        return oci_copy_explain("change the id of", store, rv, copy->pool);
    }
    return !to->id || strcmp(to->id, id)
        ? refuse_target(copy, "another process has given it another id")
        : NULL;
}

/* Start TO, which creates what is missing, and mark it. */
static const char *prepare_target(oci_blob_copy_t *copy)
{
    oci_copy_side_t *to = &copy->to;
    oci_blob_store_t *store = to->store;
    const char *error = store->provider->start(store, to->owner.uid,
                                               to->owner.gid, copy->pool);
    apr_status_t rv;

    if (error) {
        return error;
    }
    rv = oci_copy_side_read_id(to, copy->pool);
    if (rv != APR_SUCCESS) {
        return oci_copy_explain("read the id of", store, rv, copy->pool);
    }
    error = check_target(copy);
    return error
        ? error
        : set_target_id(copy, oci_unfinished_id(copy->from.id, copy->pool));
}

/* Check that the index belongs to FROM. */
static const char *check_index(const oci_blob_copy_t *copy, const char *name)
{
    oci_value_t id;
    oci_error_t *error = oci_fact_get(&id, &copy->names, oci_key_store(),
                                      copy->pool);

    if (error) {
        return oci_error_text(error, copy->pool);
    }
    return id.data && !strcmp(id.data, copy->from.id)
        ? NULL
        : apr_psprintf(copy->pool, "the index %s does not belong to %s", name,
                       copy->from.store->where);
}

static const char *open_stores(oci_blob_copy_t *copy)
{
    const char *error, *index;

    if (is_same_store(copy)) {
        return "FROM and TO are the same blob store: name two different ones";
    }
    if (!copy->from.store->provider->list
        || !oci_fs_blobs_dir(copy->to.store)) {
        return "copy --blobs needs a FROM that can list its blobs, and a TO of "
               "the provider fs";
    }
    error = oci_copy_sides_own(copy);
    if (!error) {
        error = oci_copy_call_as_owner(oci_copy_side_check_source, copy,
                                       &copy->from);
    }
    if (!error && copy->request->index) {
        error = oci_copy_open_index(&index, copy);
        error = error ? error : check_index(copy, index);
    }
    return error ? error
                 : oci_copy_call_as_owner(prepare_target, copy, &copy->to);
}

/* List the next blobs of FROM.
 * after: the name of the last one, or NULL */
static const char *list_page(apr_array_header_t **page, oci_blob_copy_t *copy,
                             const char *after, apr_pool_t *pool)
{
    oci_blob_store_t *store = copy->from.store;
    oci_owner_caller_t caller;
    apr_status_t rv = oci_owner_enter(&caller, &copy->from.owner, pool);

    if (rv == APR_SUCCESS) {
        rv = store->provider->list(page, store, OCI_STORED_BLOBS, after, PAGE,
                                   pool);
    }
    oci_owner_leave(&caller);
    return rv == APR_SUCCESS
        ? NULL
        : oci_copy_explain("list the blobs in", store, rv, pool);
}

/* Copy a blob, unless the index does not record it. */
static const char *copy_named(oci_blob_copy_t *copy, const oci_stored_t *blob,
                              apr_pool_t *pool)
{
    const char *locator = blob->name;
    int named = 1;
    oci_error_t *error = copy->names.index
        ? oci_fact_exists(&named, &copy->names,
                          oci_key_blob(pool, blob->digest), pool)
        : NULL;

    if (error) {
        return oci_error_text(error, pool);
    }
    copy->unnamed += !named;
    return named ? oci_copy_blob(&locator, copy, blob, pool) : NULL;
}

static const char *copy_page(oci_blob_copy_t *copy,
                             const apr_array_header_t *page, apr_pool_t *pool)
{
    const char *error = NULL;
    int i;

    for (i = 0; i < page->nelts && !error; i++) {
        apr_pool_clear(pool);
        if (oci_interrupt_pending()) {
            return "interrupted; " OCI_COPY_HOW_TO_CONTINUE;
        }
        error = copy_named(copy, &APR_ARRAY_IDX(page, i, oci_stored_t), pool);
        oci_progress_show(copy->progress, copy->blobs + copy->present,
                          copy->bytes);
    }
    return error;
}

/* Copy what TO lacks.  The pools stay, because a sentence that says what is
 * wrong may be in one of them. */
static const char *copy_all(oci_blob_copy_t *copy)
{
    char after[LOCATOR_MAX + 1] = "";
    apr_array_header_t *page;
    apr_pool_t *pages, *pool;
    const char *error;

    apr_pool_create(&pages, copy->pool);
    apr_pool_create(&pool, copy->pool);
    do {
        apr_pool_clear(pages);
        error = list_page(&page, copy, *after ? after : NULL, pages);
        if (!error && page->nelts) {
            apr_cpystrn(after,
                        APR_ARRAY_IDX(page, page->nelts - 1, oci_stored_t).name,
                        sizeof(after));
            error = copy_page(copy, page, pool);
        }
    } while (!error && page->nelts);
    return error;
}

/* Give TO the id of FROM, if all blobs are there. */
static const char *finish(oci_blob_copy_t *copy)
{
    return copy->skipped
        ? apr_psprintf(copy->pool,
                       "not every blob could be copied, so %s stays an "
                       "unfinished copy, which httpd refuses",
                       copy->to.store->where)
        : set_target_id(copy, copy->from.id);
}

/* Refuse options that only a move has. */
static const char *refuse_options(const oci_copy_request_t *request)
{
    return request->force || request->change
        ? "--force and --switch are for a copy from or to a remote store, such "
          "as s3: a copy from directory to directory needs neither"
        : NULL;
}

oci_outcome_e oci_copy_blobs(const char **error,
                             const oci_copy_request_t *request,
                             apr_pool_t *pool)
{
    oci_blob_copy_t copy = { .request = request, .pool = pool };
    apr_time_t begun = apr_time_now();

    if ((*error = oci_copy_sides_parse(&copy))) {
        return OCI_USAGE;
    }
    if ((*error = oci_copy_sides_configure(&copy))) {
        return OCI_FAILED;
    }
    copy.progress = oci_progress_create(request->quiet, pool);
    oci_progress_count(copy.progress, "blobs");
    oci_progress_begin(copy.progress, "copying");
    oci_interrupt_block();
    if (copy.from.store->provider->remote || copy.to.store->provider->remote) {
        *error = oci_move_blobs(&copy);
        return *error ? OCI_FAILED : OCI_DONE;
    }
    if ((*error = refuse_options(request)) || (*error = open_stores(&copy))) {
        return OCI_FAILED;
    }
    *error = copy_all(&copy);
    oci_progress_end(copy.progress);
    if (!*error) {
        *error = oci_copy_call_as_owner(finish, &copy, &copy.to);
    }
    oci_copy_report(&copy, begun);
    if (!request->json) {
        oci_copy_warn_of_root(&copy.to.owner, copy.to.store->where);
    }
    return *error ? OCI_FAILED : OCI_DONE;
}
