/* SPDX-License-Identifier: Apache-2.0 */

/* A blob store "away": it is "fs", but blob_open returns a URL instead of a
 * file, as an object store does, if a URL is welcome.
 *
 * An index "late": it is "fs", but has no check, and needs start before any
 * other function. */

#include <stdlib.h>

#include "httpd.h"
#include "http_config.h"
#include "ap_provider.h"
#include "apr_strings.h"

#include "mod_oci.h"

module AP_MODULE_DECLARE_DATA oci_away_module;

static oci_blob_store_provider_t away;

static const oci_blob_store_provider_t *fs_provider(void)
{
    return ap_lookup_provider(OCI_BLOB_STORE_GROUP, "fs", OCI_PROVIDER_VERSION);
}

static apr_status_t blob_open(oci_blob_source_t *source,
                              oci_blob_store_t *store, const char *locator,
                              apr_int32_t flags, apr_pool_t *pool)
{
    if (!(flags & OCI_OPEN_REDIRECT)) {
        return fs_provider()->blob_open(source, store, locator, flags, pool);
    }
    source->file = NULL;
    source->url = apr_pstrcat(pool, "http://objects.example/", locator,
                              "?expires=1", NULL);
    return store->provider->blob_size(&source->size, store, locator, pool);
}

static const char *create(oci_blob_store_t **store,
                          const oci_store_config_t *config, apr_pool_t *pool)
{
    const oci_blob_store_provider_t *fs = fs_provider();
    const char *error = fs->create(store, config, pool);

    if (!error) {
        away = *fs;
        away.create = create;
        away.blob_open = blob_open;
        (*store)->provider = &away;
    }
    return error;
}

static const oci_blob_store_provider_t provider = { .create = create };

static oci_index_provider_t late;
static const oci_index_provider_t *fs_index;
static int started;

static const char *start_late(oci_index_t *index, apr_uid_t uid, apr_gid_t gid,
                              apr_pool_t *pool)
{
    started = 1;
    return fs_index->start(index, uid, gid, pool);
}

static apr_status_t get_late(oci_value_t *value, oci_index_t *index,
                             const char *key, apr_pool_t *pool)
{
    if (!started) {
        abort();
    }
    return fs_index->get(value, index, key, pool);
}

static const char *create_late(oci_index_t **index,
                               const oci_store_config_t *config,
                               apr_pool_t *pool)
{
    const char *error;

    fs_index = ap_lookup_provider(OCI_INDEX_GROUP, "fs", OCI_PROVIDER_VERSION);
    error = fs_index->create(index, config, pool);
    if (!error) {
        late = *fs_index;
        late.create = create_late;
        late.start = start_late;
        late.get = get_late;
        late.check = NULL;
        (*index)->provider = &late;
    }
    return error;
}

static const oci_index_provider_t late_provider = { .create = create_late };

static void register_hooks(apr_pool_t *pool)
{
    ap_register_provider(pool, OCI_BLOB_STORE_GROUP, "away",
                         OCI_PROVIDER_VERSION, &provider);
    ap_register_provider(pool, OCI_INDEX_GROUP, "late", OCI_PROVIDER_VERSION,
                         &late_provider);
}

module AP_MODULE_DECLARE_DATA oci_away_module = { STANDARD20_MODULE_STUFF,
                                                  NULL,
                                                  NULL,
                                                  NULL,
                                                  NULL,
                                                  NULL,
                                                  register_hooks
#ifdef AP_MODULE_FLAG_NONE
                                                  ,
                                                  AP_MODULE_FLAG_NONE
#endif
};
