/* SPDX-License-Identifier: Apache-2.0 */

/* The blob store "s3": blobs in a bucket of an object store. */

#include <string.h>

#include "apr_strings.h"

#include "s3/s3_blobs.h"
#include "s3/s3_id.h"
#include "s3/s3_location.h"
#include "s3/s3_object.h"
#include "s3/s3_settings.h"
#include "s3/s3_store.h"
#include "s3/s3_stored.h"
#include "s3/s3_stream.h"
#include "s3/s3_upload.h"

typedef struct store_t {
    oci_blob_store_t base;
    oci_store_config_t config;
    const oci_s3_directives_t *directives; /* or NULL */
    oci_s3_store_t used; /* its client is NULL until it is needed */
    apr_pool_t *pool;
} store_t;

/* A blob that is streamed. */
typedef struct stream_t {
    oci_blob_stream_t base;
    oci_s3_stream_t *stream;
} stream_t;

static const store_t *store_of(const oci_blob_store_t *store)
{
    return (const store_t *)store;
}

const char *oci_s3_blobs_create(oci_blob_store_t **store,
                                const oci_store_config_t *config,
                                const oci_s3_directives_t *directives,
                                apr_pool_t *pool)
{
    store_t *self = apr_pcalloc(pool, sizeof(*self));
    const char *error;

    if (config->type) {
        return apr_psprintf(pool,
                            "s3:%s: the provider s3 has no types: expected s3",
                            config->type);
    }
    if ((error = oci_s3_location_check(config->location, pool))) {
        return error;
    }
    self->base.provider = &oci_blob_s3;
    self->base.where = config->location;
    self->config = *config;
    self->directives = directives;
    self->pool = pool;
    *store = &self->base;
    return NULL;
}

static const char *create(oci_blob_store_t **store,
                          const oci_store_config_t *config, apr_pool_t *pool)
{
    return oci_s3_blobs_create(store, config, NULL, pool);
}

/* What the directives say; NULL for nothing. */
static const apr_table_t *directives_of(const store_t *self)
{
    return self->directives ? self->directives->of(self->config.server)
                            : self->config.options;
}

static const char *make_settings(const oci_s3_settings_t **settings,
                                 const store_t *self, apr_pool_t *pool)
{
    oci_s3_configuration_t configuration = {
        .location = self->config.location,
        .directives = directives_of(self),
        .base = self->config.base,
        .environment = !self->directives,
    };

    return oci_s3_settings_make(settings, &configuration, pool);
}

static const char *check(oci_blob_store_t *store, apr_pool_t *pool)
{
    const oci_s3_settings_t *settings;

    return make_settings(&settings, store_of(store), pool);
}

/* Make the client.  That sends no request. */
static const char *prepare(store_t *self)
{
    oci_s3_store_t used = { .where = self->base.where };
    const oci_s3_settings_t *settings;
    const char *error;
    apr_status_t rv;

    if (self->used.client) {
        return NULL;
    }
    if ((error = make_settings(&settings, self, self->pool))) {
        return error;
    }
    rv = oci_s3_memory_create(&used.memory, (apr_size_t)settings->part_size,
                              settings->memory, self->pool);
    if (rv == APR_SUCCESS) {
        rv = oci_s3_client_create(&used.client, settings, self->pool);
    }
    if (rv != APR_SUCCESS) {
        char reason[120];

        return apr_psprintf(self->pool, "cannot prepare the use of %s: %s",
                            self->base.where,
                            apr_strerror(rv, reason, sizeof(reason)));
    }
    self->used = used;
    return NULL;
}

static const char *start(oci_blob_store_t *store, apr_uid_t uid, apr_gid_t gid,
                         apr_pool_t *pool)
{
    (void)uid;
    (void)gid;
    (void)pool;
    return prepare((store_t *)store);
}

/* Before start there is only one thread. */
apr_status_t oci_s3_store_use(const oci_s3_store_t **used,
                              oci_blob_store_t *store, apr_pool_t *pool)
{
    store_t *self = (store_t *)store;
    const char *error = prepare(self);

    if (error) {
        apr_pool_userdata_setn(error, OCI_REASON, NULL, pool);
        return APR_EGENERAL;
    }
    *used = &self->used;
    return APR_SUCCESS;
}

oci_s3_call_t oci_s3_store_call(const oci_s3_store_t *store)
{
    oci_s3_call_t call = { .client = store->client };

    return call;
}

/* Whether a locator is a key of a blob, and leads nowhere else. */
static int is_locator(const char *locator)
{
    return oci_s3_store_is_key(locator, OCI_S3_BLOBS);
}

static apr_status_t read_stream(oci_blob_stream_t *stream, apr_off_t offset,
                                apr_off_t until, char *buffer,
                                apr_size_t *length)
{
    const oci_s3_span_t span = { offset, until };
    apr_status_t rv = oci_s3_stream_read(((stream_t *)stream)->stream, &span,
                                         buffer, length);

    if (rv == APR_EOF) {
        *length = 0;
        return APR_SUCCESS;
    }
    return rv;
}

static apr_status_t blob_open(oci_blob_source_t *source,
                              oci_blob_store_t *store, const char *locator,
                              apr_int32_t flags, apr_pool_t *pool)
{
    const oci_s3_store_t *used;
    oci_s3_call_t call;
    stream_t *self;
    apr_status_t rv = is_locator(locator) ? oci_s3_store_use(&used, store, pool)
                                          : APR_NOTFOUND;

    if (rv != APR_SUCCESS) {
        return rv;
    }
    call = oci_s3_store_call(used);
    if (flags & OCI_OPEN_REDIRECT) {
        return oci_s3_presign_get(&source->url, &call, locator, pool);
    }
    self = apr_pcalloc(pool, sizeof(*self));
    self->base.read = read_stream;
    rv = oci_s3_stream_open(&self->stream, &call, locator,
                            &(oci_s3_span_t){ source->offset, source->until },
                            pool);
    if (rv == APR_SUCCESS) {
        source->stream = &self->base;
        source->size = oci_s3_stream_info(self->stream)->size;
    }
    return rv;
}

static apr_status_t blob_size(apr_off_t *size, oci_blob_store_t *store,
                              const char *locator, apr_pool_t *pool)
{
    const oci_s3_store_t *used;
    oci_s3_info_t info;
    oci_s3_call_t call;
    apr_status_t rv = is_locator(locator) ? oci_s3_store_use(&used, store, pool)
                                          : APR_NOTFOUND;

    if (rv != APR_SUCCESS) {
        return rv;
    }
    call = oci_s3_store_call(used);
    rv = oci_s3_head(&info, &call, locator, pool);
    if (rv == APR_SUCCESS) {
        *size = info.size;
    }
    return rv;
}

/* No locator is used again, so nobody needs to confirm. */
static apr_status_t blob_delete(oci_blob_store_t *store, const char *locator,
                                const oci_confirm_t *confirm, apr_pool_t *pool)
{
    const oci_s3_store_t *used;
    oci_s3_call_t call;
    apr_status_t rv = is_locator(locator) ? oci_s3_store_use(&used, store, pool)
                                          : APR_NOTFOUND;

    (void)confirm;
    if (rv != APR_SUCCESS) {
        return rv;
    }
    call = oci_s3_store_call(used);
    return oci_s3_delete(&call, locator, pool);
}

/* What is not a locator is passed over. */
static apr_status_t blobs_delete(oci_blob_store_t *store,
                                 const apr_array_header_t *locators,
                                 apr_pool_t *pool)
{
    apr_array_header_t *keys = apr_array_make(pool, locators->nelts + 1,
                                              sizeof(const char *));
    const oci_s3_store_t *used;
    oci_s3_call_t call;
    apr_status_t rv = oci_s3_store_use(&used, store, pool);
    int i;

    if (rv != APR_SUCCESS) {
        return rv;
    }
    for (i = 0; i < locators->nelts; i++) {
        const char *locator = APR_ARRAY_IDX(locators, i, const char *);

        if (is_locator(locator)) {
            APR_ARRAY_PUSH(keys, const char *) = locator;
        }
    }
    call = oci_s3_store_call(used);
    return oci_s3_delete_all(&call, keys, pool);
}

static const char *options(const apr_table_t **table, oci_blob_store_t *store,
                           apr_pool_t *pool)
{
    const apr_table_t *directives = directives_of(store_of(store));

    *table = directives ? directives : apr_table_make(pool, 1);
    return NULL;
}

const oci_blob_store_provider_t oci_blob_s3 = {
    .create = create,
    .start = start,
    .upload_open = oci_s3_upload_open,
    .upload_resume = oci_s3_upload_resume,
    .upload_write = oci_s3_upload_write,
    .upload_close = oci_s3_upload_close,
    .upload_commit = oci_s3_upload_commit,
    .upload_abort = oci_s3_upload_abort,
    .blob_open = blob_open,
    .blob_size = blob_size,
    .blob_delete = blob_delete,
    .identity = oci_s3_identity,
    .check = check,
    .list = oci_s3_stored_list,
    .owner = oci_s3_owner,
    .options = options,
    .blobs_delete = blobs_delete,
    .remote = 1,
};
