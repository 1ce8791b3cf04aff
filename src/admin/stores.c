/* SPDX-License-Identifier: Apache-2.0 */

/* The blob store and the index that a command works on. */

#include <string.h>

#include "apr_file_info.h"
#include "apr_strings.h"
#include "apr_user.h"

#include "admin/configured.h"
#include "admin/stores.h"
#include "registry/keys.h"
#include "registry/pairing.h"

/* Set an option that names the stores; return 0 if it is another one. */
static int set_option(oci_stores_t *stores, int option, const char *value)
{
    switch (option) {
    case OCI_STORES_STORE:
        stores->blobs_name = value;
        return 1;
    case OCI_STORES_INDEX:
        stores->index_name = value;
        return 1;
    case OCI_STORES_CONFIG:
        stores->config = value;
        return 1;
    case OCI_STORES_HTTPD:
        stores->httpd = value;
        return 1;
    default:
        return 0;
    }
}

const char *oci_stores_parse_options(oci_stores_t *stores,
                                     const oci_stores_options_t *options,
                                     apr_getopt_t *arguments)
{
    const char *value, *error = NULL;
    apr_status_t rv;
    int option;

    while (
        !error
        && (rv = apr_getopt_long(arguments, options->options, &option, &value))
            == APR_SUCCESS) {
        if (!set_option(stores, option, value)) {
            error = options->set(options->baton, option, value);
        }
    }
    if (error || rv == APR_EOF) {
        return error;
    }
    return apr_psprintf(stores->pool,
                        "cannot use the option '%s': %s expects %s, --store "
                        "BLOBS, --index INDEX, --config FILE or --httpd "
                        "PROGRAM",
                        arguments->argv[arguments->ind - 1], options->command,
                        options->expected);
}

/* Create the stores.  An index of version 1 is refused: if it was raised, a
 * server that runs older code could no longer use it.
 * base: where relative paths start; NULL: at the working directory */
static const char *create(oci_stores_t *stores, const char *base,
                          const char *blobs, const apr_table_t *options,
                          const char *index)
{
    const char *error = oci_named_blobs_parse(&stores->registry.blobs, blobs,
                                              base, options, stores->pool);

    if (!error && !stores->blobs_only) {
        stores->index.no_raise = 1;
        stores->index.base = base;
        error = oci_named_index_parse(&stores->index, index, stores->pool);
    }
    if (!error) {
        stores->registry.index = stores->index.index;
    }
    return error;
}

/* Whether a registry of the configuration has a blob store. */
static const char *has_blobs(int *has, const oci_configured_t *registry,
                             const oci_blob_store_t *wanted, apr_pool_t *pool)
{
    oci_blob_store_t *blobs;
    const char *error = oci_named_blobs_parse(&blobs, registry->blobs,
                                              registry->base, registry->options,
                                              pool);

    *has = !error && !strcmp(blobs->where, wanted->where);
    return error;
}

/* Keep only the registries that have a blob store. */
static const char *select_blobs(apr_array_header_t *found,
                                const oci_blob_store_t *wanted,
                                apr_pool_t *pool)
{
    const char *error = NULL;
    int has, i, kept = 0;

    for (i = 0; i < found->nelts && !error; i++) {
        oci_configured_t *registry = &APR_ARRAY_IDX(found, i, oci_configured_t);

        has = 0;
        if (*registry->blobs) {
            error = has_blobs(&has, registry, wanted, pool);
        }
        if (has) {
            APR_ARRAY_IDX(found, kept, oci_configured_t) = *registry;
            kept++;
        }
    }
    found->nelts = kept;
    return error;
}

static const char *list_places(const apr_array_header_t *found,
                               apr_pool_t *pool)
{
    const char *text = "";
    int i;

    for (i = 0; i < found->nelts; i++) {
        const oci_configured_t *registry = &APR_ARRAY_IDX(found, i,
                                                          oci_configured_t);

        text = apr_pstrcat(pool, text, i ? ", " : "", "'", registry->blobs,
                           "' at ", registry->place, NULL);
    }
    return text;
}

/* Create the stores that the configuration names. */
static const char *create_configured(oci_stores_t *stores)
{
    apr_array_header_t *found;
    const oci_configured_t *registry;
    const char *error = oci_configured_read(&found, stores->httpd,
                                            stores->config, stores->pool);

    if (!error && stores->blobs_name) {
        error = select_blobs(found, stores->registry.blobs, stores->pool);
    }
    if (error) {
        return error;
    }
    if (!found->nelts) {
        return apr_psprintf(stores->pool,
                            "%s has no registry with the blob store '%s'",
                            stores->config, stores->blobs_name);
    }
    if (found->nelts > 1) {
        return apr_psprintf(stores->pool,
                            "%s has several registries: %s; name one of the "
                            "blob stores, or both stores and no --config",
                            stores->config, list_places(found, stores->pool));
    }
    registry = &APR_ARRAY_IDX(found, 0, oci_configured_t);
    stores->configured = registry;
    stores->registry.sparse = registry->sparse;
    return registry->problem
        ? apr_pstrcat(stores->pool, registry->place, ": ", registry->problem,
                      "; name the stores in the arguments", NULL)
        : create(stores, registry->base, registry->blobs, registry->options,
                 registry->index);
}

const char *oci_stores_parse(oci_stores_t *stores, const char *command,
                             int count, const char *const *last)
{
    if (stores->blobs_name && count) {
        return apr_psprintf(stores->pool,
                            "%s has stores after its options, and more as its "
                            "last arguments: use only one of the two ways",
                            command);
    }
    if (stores->index_name && !stores->blobs_name) {
        return "--index needs --store";
    }
    if (count == 1 || count == 2) {
        stores->blobs_name = last[0];
        stores->index_name = count == 2 ? last[1] : NULL;
    }
    if (stores->config && stores->index_name) {
        return "with --config, no index can be named: leave out --index";
    }
    if (stores->config && count <= 2) {
        return stores->blobs_name
            ? oci_named_blobs_parse(&stores->registry.blobs, stores->blobs_name,
                                    NULL, NULL, stores->pool)
            : NULL;
    }
    if (!stores->blobs_name || count > 2) {
        return apr_psprintf(stores->pool,
                            "%s takes a blob store: write --store 'fs DIR', "
                            "and --index INDEX unless the index is beside it; "
                            "or write --config FILE",
                            command);
    }
    return create(stores, NULL, stores->blobs_name, NULL,
                  stores->index_name ? stores->index_name : stores->blobs_name);
}

static const char *user_name(const oci_owner_t *owner, apr_pool_t *pool)
{
    char *name;

    return apr_uid_name_get(&name, owner->uid, pool) == APR_SUCCESS
        ? name
        : apr_psprintf(pool, "%lu", (unsigned long)owner->uid);
}

/* Check that another directory, or file, has the same owner as the blobs.  As
 * another user, root could be misled, or leave files that httpd cannot use. */
static const char *check_owner(const oci_stores_t *stores, const char *blobs,
                               const char *path)
{
    apr_pool_t *pool = stores->pool;
    oci_owner_t owner = { 0, 0 };

    oci_owner_of_path(&owner, path);
    return owner.uid == stores->owner.uid
        ? NULL
        : apr_psprintf(pool,
                       "%s belongs to the user %s, and %s to the user %s: both "
                       "must belong to the user of httpd; correct the owner "
                       "with chown",
                       blobs, user_name(&stores->owner, pool), path,
                       user_name(&owner, pool));
}

/* Whether the index is a file or a directory that exists. */
static int has_index_path(const oci_stores_t *stores)
{
    return !stores->blobs_only && oci_named_index_has_path(&stores->index)
        && oci_named_index_stat(&stores->index, stores->pool) == APR_SUCCESS;
}

/* As root, choose the user of httpd: the owner of the directory in which it
 * stores blobs, or of the index if the blobs are in another system.  Without an
 * index it is the one of the configuration.  With a database root stays root,
 * because the database may let nobody else in. */
static const char *find_owner(oci_stores_t *stores)
{
    apr_pool_t *pool = stores->pool;
    const char *where = stores->registry.blobs->where;
    const char *blobs = apr_pstrcat(pool, where, "/blobs", NULL);
    const char *uploads = apr_pstrcat(pool, where, "/uploads", NULL);
    apr_finfo_t info;
    const char *error = NULL;

    if (stores->registry.blobs->provider->remote) {
        if (has_index_path(stores)) {
            oci_owner_of_path(&stores->owner, stores->index.index->where);
        }
        else if (stores->blobs_only && stores->configured) {
            stores->owner = stores->configured->user;
        }
        return NULL;
    }
    oci_owner_of_path(&stores->owner, blobs);
    if (apr_stat(&info, uploads, APR_FINFO_TYPE, pool) == APR_SUCCESS) {
        error = check_owner(stores, blobs, uploads);
    }
    if (!error && has_index_path(stores)) {
        error = check_owner(stores, blobs, stores->index.index->where);
    }
    return error;
}

/* Become the owner of the blob store, until the command ends. */
static const char *become_owner(oci_stores_t *stores)
{
    oci_owner_caller_t caller;
    apr_status_t rv = apr_uid_current(&stores->owner.uid, &stores->owner.gid,
                                      stores->pool);
    const char *error;
    char reason[120];

    if (rv == APR_SUCCESS) {
        if (!stores->owner.uid && (error = find_owner(stores))) {
            return error;
        }
        rv = oci_owner_enter(&caller, &stores->owner, stores->pool);
    }
    return rv == APR_SUCCESS
        ? NULL
        : apr_psprintf(stores->pool, "cannot act as the owner of %s: %s",
                       stores->registry.blobs->where,
                       apr_strerror(rv, reason, sizeof(reason)));
}

static const char *refuse_access(const oci_stores_t *stores, const char *store,
                                 apr_status_t rv)
{
    char reason[120];

    return apr_psprintf(stores->pool,
                        "cannot use %s: %s; run it as root or as the owner of "
                        "%s",
                        store, apr_strerror(rv, reason, sizeof(reason)),
                        stores->registry.blobs->provider->remote
                            ? store
                            : stores->registry.blobs->where);
}

/* Refuse a blob store that no registry has used. */
static const char *refuse_unused(const oci_stores_t *stores, apr_status_t rv)
{
    char reason[120];

    return apr_psprintf(stores->pool,
                        "%s is not a blob store that a registry has used: %s; "
                        "name the blob store of OCIBlobStore; if it is new, "
                        "first send a request to httpd",
                        stores->registry.blobs->where,
                        rv == APR_NOTFOUND
                            ? "it has no id"
                            : apr_strerror(rv, reason, sizeof(reason)));
}

/* Check that the stores exist: to start them might create them. */
static const char *check_existence(const oci_stores_t *stores)
{
    oci_blob_store_t *blobs = stores->registry.blobs;
    const char *id;
    apr_status_t rv = blobs->provider->identity(&id, blobs, 0, stores->pool);
    char reason[120];

    if (rv != APR_SUCCESS && rv != APR_NOTFOUND && blobs->provider->remote) {
        return oci_error_text(oci_error_storage(stores->pool, rv,
                                                "cannot use %s", blobs->where),
                              stores->pool);
    }
    if (rv != APR_SUCCESS) {
        return APR_STATUS_IS_EACCES(rv)
            ? refuse_access(stores, blobs->where, rv)
            : refuse_unused(stores, rv);
    }
    rv = oci_named_index_stat(&stores->index, stores->pool);
    if (APR_STATUS_IS_EACCES(rv)) {
        return refuse_access(stores, stores->index.name, rv);
    }
    return rv == APR_SUCCESS
        ? NULL
        : apr_psprintf(stores->pool,
                       "cannot use the index %s: %s; name the index that "
                       "belongs to the blob store",
                       stores->index.name,
                       apr_strerror(rv, reason, sizeof(reason)));
}

static const char *start_index(const oci_stores_t *stores)
{
    oci_index_t *index = stores->registry.index;

    return index->provider->start(index, stores->owner.uid, stores->owner.gid,
                                  stores->pool);
}

const char *oci_stores_find(oci_stores_t *stores)
{
    const char *error = stores->config ? create_configured(stores) : NULL;

    stores->registry.pairing = &stores->pairing;
    return error ? error : become_owner(stores);
}

/* Find the stores, and check as their owner that they exist. */
static const char *find_and_own(oci_stores_t *stores)
{
    const char *error = oci_stores_find(stores);

    return error ? error : check_existence(stores);
}

const char *oci_stores_open(oci_stores_t *stores)
{
    oci_blob_store_t *blobs;
    const char *error = find_and_own(stores);

    stores->registry.durable = 1;
    if (error) {
        return error;
    }
    blobs = stores->registry.blobs;
    error = blobs->provider->start(blobs, stores->owner.uid, stores->owner.gid,
                                   stores->pool);
    return error ? error : start_index(stores);
}

/* Prepare the index for reading.  A start may change something, and is made
 * only if the index cannot be read without it. */
static const char *prepare_index(const oci_stores_t *stores)
{
    oci_index_t *index = stores->registry.index;
    oci_error_t *failure;
    const char *error;
    int exists;

    if (!index->provider->check) {
        return start_index(stores);
    }
    if ((error = index->provider->check(index, stores->pool))) {
        return error;
    }
    failure = oci_fact_exists(&exists, &stores->registry, oci_key_copy(),
                              stores->pool);
    if (failure && APR_STATUS_IS_ENOTIMPL(failure->status)) {
        return start_index(stores);
    }
    return failure ? oci_error_text(failure, stores->pool) : NULL;
}

/* Check that the index knows its blob store, or is at least marked as a copy:
 * the check of the pair would otherwise record the blob store. */
static oci_error_t *check_recorded(const oci_stores_t *stores)
{
    const oci_registry_t *registry = &stores->registry;
    int copy, recorded;
    oci_error_t *error = oci_fact_exists(&copy, registry, oci_key_copy(),
                                         stores->pool);

    if (!error) {
        error = oci_fact_exists(&recorded, registry, oci_key_store(),
                                stores->pool);
    }
    if (error || copy || recorded || !registry->blobs->provider->identity) {
        return error;
    }
    return oci_error_storage(stores->pool, APR_SUCCESS,
                             "the index %s does not record to which blob store "
                             "it belongs: httpd has not served a request with "
                             "it yet",
                             registry->index->where);
}

const char *oci_stores_check_pair(const oci_stores_t *stores)
{
    oci_error_t *failure = check_recorded(stores);

    if (!failure) {
        failure = oci_pairing_check_owner(&stores->registry, 0, stores->pool);
    }
    return failure ? oci_error_text(failure, stores->pool) : NULL;
}

const char *oci_stores_open_to_read(oci_stores_t *stores)
{
    const char *error = find_and_own(stores);
    oci_blob_store_t *blobs = stores->registry.blobs;

    if (!error && blobs->provider->check) {
        error = blobs->provider->check(blobs, stores->pool);
    }
    if (!error) {
        error = prepare_index(stores);
    }
    return error ? error : oci_stores_check_pair(stores);
}
