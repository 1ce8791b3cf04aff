/* SPDX-License-Identifier: Apache-2.0 */

/* A blob store that counts its calls. */

#include "httpd/measured.h"
#include "httpd/metrics.h"

typedef struct measured_blobs_t {
    oci_blob_store_t base;
    oci_blob_store_provider_t provider;
    oci_blob_store_t *inner;
    int driver;
} measured_blobs_t;

struct oci_blob_writer_t {
    oci_blob_writer_t *inner; /* the store's own */
    const oci_blob_store_provider_t *provider;
    int driver;
};

static const measured_blobs_t *self_of(const oci_blob_store_t *store)
{
    return (const measured_blobs_t *)store;
}

/* Count a call; answers that are not faults are no failures. */
static apr_status_t count(int driver, oci_storage_action_e action,
                          apr_time_t begun, apr_status_t rv)
{
    oci_metrics_storage(driver, action, begun,
                        rv != APR_SUCCESS && rv != APR_NOTFOUND
                            && rv != APR_EBUSY && rv != APR_EOF);
    return rv;
}

static apr_status_t upload_open(oci_blob_writer_t **writer,
                                oci_blob_store_t *store, const char *id,
                                apr_pool_t *pool)
{
    const measured_blobs_t *self = self_of(store);
    apr_time_t begun = apr_time_now();

    *writer = apr_pcalloc(pool, sizeof(**writer));
    (*writer)->provider = self->inner->provider;
    (*writer)->driver = self->driver;
    return count(self->driver, OCI_STORAGE_UPLOAD_OPEN, begun,
                 self->inner->provider->upload_open(&(*writer)->inner,
                                                    self->inner, id, pool));
}

static apr_status_t upload_resume(oci_blob_writer_t *writer, apr_off_t size,
                                  const char *state)
{
    apr_time_t begun = apr_time_now();

    return count(writer->driver, OCI_STORAGE_UPLOAD_RESUME, begun,
                 writer->provider->upload_resume(writer->inner, size, state));
}

static apr_status_t upload_write(oci_blob_writer_t *writer,
                                 const struct iovec *vec, int n)
{
    apr_time_t begun = apr_time_now();

    return count(writer->driver, OCI_STORAGE_UPLOAD_WRITE, begun,
                 writer->provider->upload_write(writer->inner, vec, n));
}

static apr_status_t upload_read(oci_blob_writer_t *writer, apr_off_t offset,
                                char *buffer, apr_size_t *length)
{
    apr_time_t begun = apr_time_now();

    return count(writer->driver, OCI_STORAGE_UPLOAD_READ, begun,
                 writer->provider->upload_read(writer->inner, offset, buffer,
                                               length));
}

static apr_status_t upload_close(const char **state, oci_blob_writer_t *writer,
                                 int durable, apr_pool_t *pool)
{
    apr_time_t begun = apr_time_now();

    return count(writer->driver, OCI_STORAGE_UPLOAD_CLOSE, begun,
                 writer->provider->upload_close(state, writer->inner, durable,
                                                pool));
}

static apr_status_t upload_commit(const char **locator,
                                  oci_blob_writer_t *writer, const char *digest,
                                  int durable, apr_pool_t *pool)
{
    apr_time_t begun = apr_time_now();

    return count(writer->driver, OCI_STORAGE_UPLOAD_COMMIT, begun,
                 writer->provider->upload_commit(locator, writer->inner, digest,
                                                 durable, pool));
}

static apr_status_t upload_abort(oci_blob_writer_t *writer)
{
    apr_time_t begun = apr_time_now();

    return count(writer->driver, OCI_STORAGE_UPLOAD_ABORT, begun,
                 writer->provider->upload_abort(writer->inner));
}

static apr_status_t blob_open(oci_blob_source_t *source,
                              oci_blob_store_t *store, const char *locator,
                              apr_int32_t flags, apr_pool_t *pool)
{
    oci_blob_store_t *inner = self_of(store)->inner;
    apr_time_t begun = apr_time_now();

    return count(self_of(store)->driver, OCI_STORAGE_BLOB_OPEN, begun,
                 inner->provider->blob_open(source, inner, locator, flags,
                                            pool));
}

static apr_status_t blob_size(apr_off_t *size, oci_blob_store_t *store,
                              const char *locator, apr_pool_t *pool)
{
    oci_blob_store_t *inner = self_of(store)->inner;
    apr_time_t begun = apr_time_now();

    return count(self_of(store)->driver, OCI_STORAGE_BLOB_SIZE, begun,
                 inner->provider->blob_size(size, inner, locator, pool));
}

static apr_status_t blob_delete(oci_blob_store_t *store, const char *locator,
                                const oci_confirm_t *confirm, apr_pool_t *pool)
{
    oci_blob_store_t *inner = self_of(store)->inner;
    apr_time_t begun = apr_time_now();

    return count(self_of(store)->driver, OCI_STORAGE_BLOB_DELETE, begun,
                 inner->provider->blob_delete(inner, locator, confirm, pool));
}

static apr_status_t blobs_delete(oci_blob_store_t *store,
                                 const apr_array_header_t *locators,
                                 apr_pool_t *pool)
{
    oci_blob_store_t *inner = self_of(store)->inner;
    apr_time_t begun = apr_time_now();

    return count(self_of(store)->driver, OCI_STORAGE_BLOB_DELETE, begun,
                 inner->provider->blobs_delete(inner, locators, pool));
}

static apr_status_t identity(const char **id, oci_blob_store_t *store, int make,
                             apr_pool_t *pool)
{
    oci_blob_store_t *inner = self_of(store)->inner;

    return inner->provider->identity(id, inner, make, pool);
}

static apr_status_t list(apr_array_header_t **entries, oci_blob_store_t *store,
                         oci_stored_e kind, const char *after, int limit,
                         apr_pool_t *pool)
{
    oci_blob_store_t *inner = self_of(store)->inner;
    apr_time_t begun = apr_time_now();

    return count(self_of(store)->driver, OCI_STORAGE_LIST, begun,
                 inner->provider->list(entries, inner, kind, after, limit,
                                       pool));
}

static apr_status_t owner(const char **id, oci_blob_store_t *store,
                          const char *old, const char *id_new, apr_pool_t *pool)
{
    oci_blob_store_t *inner = self_of(store)->inner;

    return inner->provider->owner(id, inner, old, id_new, pool);
}

oci_blob_store_t *oci_measured_blobs(oci_blob_store_t *blobs, const char *name,
                                     apr_pool_t *pool)
{
    static const oci_blob_store_provider_t measured = {
        NULL,
        NULL,
        upload_open,
        upload_resume,
        upload_write,
        upload_read,
        upload_close,
        upload_commit,
        upload_abort,
        blob_open,
        blob_size,
        blob_delete,
        identity,
        NULL,
        list,
        owner,
        NULL,
        blobs_delete,
        0,
    };
    measured_blobs_t *self = apr_pcalloc(pool, sizeof(*self));

    self->inner = blobs;
    self->driver = oci_metrics_driver(name);
    self->provider = measured;
    if (!blobs->provider->identity) {
        self->provider.identity = NULL;
    }
    if (!blobs->provider->list) {
        self->provider.list = NULL;
    }
    if (!blobs->provider->owner) {
        self->provider.owner = NULL;
    }
    if (!blobs->provider->blobs_delete) {
        self->provider.blobs_delete = NULL;
    }
    self->provider.remote = blobs->provider->remote;
    self->base.provider = &self->provider;
    self->base.where = blobs->where;
    return &self->base;
}
