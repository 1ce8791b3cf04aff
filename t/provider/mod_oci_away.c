/* SPDX-License-Identifier: Apache-2.0 */

/* A blob store "away": it is "fs", but blob_open returns a URL instead of a
 * file, as an object store does. */

#include "httpd.h"
#include "http_config.h"
#include "ap_provider.h"
#include "apr_strings.h"

#include "mod_oci.h"

module AP_MODULE_DECLARE_DATA oci_away_module;

static oci_blob_store_provider_t away;

static apr_status_t blob_open(oci_blob_source_t *source,
                              oci_blob_store_t *store, const char *locator,
                              apr_int32_t flags, apr_pool_t *pool)
{
    (void)flags;
    source->file = NULL;
    source->url = apr_pstrcat(pool, "http://objects.example/", locator,
                              "?expires=1", NULL);
    return store->provider->blob_size(&source->size, store, locator, pool);
}

static const char *create(oci_blob_store_t **store,
                          const oci_store_config_t *config, apr_pool_t *pool)
{
    const oci_blob_store_provider_t
        *fs = ap_lookup_provider(OCI_BLOB_STORE_GROUP, "fs",
                                 OCI_PROVIDER_VERSION);
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

static void register_hooks(apr_pool_t *pool)
{
    ap_register_provider(pool, OCI_BLOB_STORE_GROUP, "away",
                         OCI_PROVIDER_VERSION, &provider);
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
