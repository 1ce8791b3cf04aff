/* SPDX-License-Identifier: Apache-2.0 */

/* The two blob stores and the index of "copy --blobs". */

#include <string.h>

#include "apr_strings.h"
#include "apr_user.h"

#include "admin/as_owner.h"
#include "admin/configured.h"
#include "admin/copy_sides.h"
#include "admin/named_index.h"
#include "registry/keys.h"
#include "registry/unfinished.h"
#include "store/io.h"

const char *oci_copy_sides_parse(oci_blob_copy_t *copy)
{
    const char *error = oci_named_blobs_parse(&copy->from.store,
                                              copy->request->from, NULL, NULL,
                                              copy->pool);

    return error ? error
                 : oci_named_blobs_parse(&copy->to.store, copy->request->to,
                                         NULL, NULL, copy->pool);
}

/* Create a store again if a registry of the configuration has it.  The
 * configuration may have others, of providers that ociadmin does not know.
 * *found: set to 1 in this case */
static const char *configure(int *found, oci_copy_side_t *side,
                             const char *name, const oci_configured_t *registry,
                             apr_pool_t *pool)
{
    oci_blob_store_t *store;
    const char *error = oci_named_blobs_parse(&store, registry->blobs,
                                              registry->base, registry->options,
                                              pool);

    if (error || strcmp(store->where, side->store->where) != 0) {
        return NULL;
    }
    *found = 1;
    return registry->options
        ? oci_named_blobs_parse(&side->store, name, registry->base,
                                registry->options, pool)
        : NULL;
}

const char *oci_copy_sides_configure(oci_blob_copy_t *copy)
{
    const oci_copy_request_t *request = copy->request;
    apr_array_header_t *registries;
    const char *error;
    int i, found = 0;

    if (!request->config) {
        return NULL;
    }
    error = oci_configured_read(&registries, request->httpd, request->config,
                                copy->pool);
    for (i = 0; !error && i < registries->nelts; i++) {
        const oci_configured_t *registry = &APR_ARRAY_IDX(registries, i,
                                                          oci_configured_t);

        if (*registry->blobs) {
            error = configure(&found, &copy->from, request->from, registry,
                              copy->pool);
        }
        if (*registry->blobs && !error) {
            error = configure(&found, &copy->to, request->to, registry,
                              copy->pool);
        }
        copy->user = registry->user;
    }
    return error || found ? error
                          : apr_psprintf(copy->pool,
                                         "%s has no registry with the blob "
                                         "store FROM or TO",
                                         request->config);
}

/* The path whose owner uses a store: a server creates it.  NULL if it has
 * none. */
static const char *path_of(const oci_copy_side_t *side, apr_pool_t *pool)
{
    return side->store->provider->remote
        ? NULL
        : apr_pstrcat(pool, side->store->where, "/blobs", NULL);
}

/* The path of the index; NULL if it has none. */
static const char *index_path(const oci_blob_copy_t *copy)
{
    const oci_index_t *index = copy->names.index;

    return index && index->where[0] == '/' ? index->where : NULL;
}

const char *oci_copy_sides_own(oci_blob_copy_t *copy)
{
    const char *from = path_of(&copy->from, copy->pool);
    const char *to = path_of(&copy->to, copy->pool);
    oci_copy_owners_t owners;
    const char *error;

    if (!from && !to) {
        from = index_path(copy);
    }
    error = oci_copy_find_owners(&owners, copy->request, from, to, copy->pool);
    if (!error && to && !owners.to.uid && !copy->request->user) {
        owners.to = copy->user;
    }
    copy->from.owner = from ? owners.from : owners.to;
    copy->to.owner = owners.to;
    return error;
}

apr_status_t oci_copy_side_read_id(oci_copy_side_t *side, apr_pool_t *pool)
{
    oci_blob_store_t *store = side->store;
    apr_status_t rv = store->provider->identity
        ? store->provider->identity(&side->id, store, 0, pool)
        : APR_ENOTIMPL;

    if (rv == APR_NOTFOUND) {
        side->id = NULL;
        return APR_SUCCESS;
    }
    return rv;
}

const char *oci_copy_side_check_source(oci_blob_copy_t *copy)
{
    oci_copy_side_t *from = &copy->from;
    const char *where = from->store->where;
    apr_status_t rv = oci_copy_side_read_id(from, copy->pool);

    if (rv != APR_SUCCESS) {
        return from->store->provider->remote
            ? oci_copy_explain("copy from", from->store, rv, copy->pool)
            : oci_io_failure("copy from", where, rv, copy->pool);
    }
    if (!from->id) {
        return apr_psprintf(copy->pool,
                            "cannot copy from %s: it has no id, so no registry "
                            "has used it",
                            where);
    }
    if (oci_unfinished_is_id(from->id)) {
        return apr_psprintf(copy->pool,
                            "cannot copy from %s: it is an unfinished copy; "
                            "finish that copy first",
                            where);
    }
    return from->store->provider->check
        ? from->store->provider->check(from->store, copy->pool)
        : NULL;
}

const char *oci_copy_call_as_owner(const char *(*step)(oci_blob_copy_t *copy),
                                   oci_blob_copy_t *copy,
                                   const oci_copy_side_t *side)
{
    oci_owner_caller_t caller;
    apr_status_t rv = oci_owner_enter(&caller, &side->owner, copy->pool);
    const char *error = rv == APR_SUCCESS
        ? step(copy)
        : oci_copy_explain("act as the owner of", side->store, rv, copy->pool);

    oci_owner_leave(&caller);
    return error;
}

/* Check that the index is complete. */
static const char *check_complete(const oci_blob_copy_t *copy, const char *name)
{
    int unfinished;
    oci_error_t *error = oci_fact_exists(&unfinished, &copy->names,
                                         oci_key_copy(), copy->pool);

    if (error) {
        return oci_error_text(error, copy->pool);
    }
    return unfinished ? apr_psprintf(copy->pool,
                                     "the index %s is an unfinished copy; "
                                     "finish that copy first",
                                     name)
                      : NULL;
}

const char *oci_copy_open_index(const char **name, oci_blob_copy_t *copy)
{
    oci_named_index_t named = { .no_raise = 1 };
    oci_index_t **index = &copy->names.index;
    oci_owner_t owner = { 0, 0 };
    const char *error = oci_named_index_parse(&named, copy->request->index,
                                              copy->pool);
    apr_status_t rv;

    if (error) {
        return error;
    }
    rv = oci_named_index_stat(&named, copy->pool);
    if (rv != APR_SUCCESS) {
        return oci_io_failure("use the index", named.name, rv, copy->pool);
    }
    *index = named.index;
    if (oci_named_index_has_path(&named)) {
        oci_owner_of_path(&owner, named.index->where);
        *index = oci_index_as_owner(named.index, &owner, copy->pool);
    }
    error = (*index)->provider->start(*index, owner.uid, owner.gid, copy->pool);
    *name = named.name;
    return error ? error : check_complete(copy, named.name);
}
