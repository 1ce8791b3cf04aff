/* SPDX-License-Identifier: Apache-2.0 */

/* Imports the layers of a repository.  The bytes of a batch of blobs are put
 * into the store and synced first; then the whole batch is recorded. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "apr_strings.h"

#include "admin/import/import_run.h"
#include "admin/import/import_tree.h"
#include "admin/interrupt.h"
#include "registry/blob_add.h"
#include "registry/upload_write.h"

/* How many blobs are recorded at once; each is locked meanwhile.  Garbage
 * collection does not expect many more without a record. */
#define LAYER_BATCH 16

#define READ_BUFFER (256 * 1024)

/* The import of the layers of a repository. */
typedef struct layers_t {
    oci_import_t *import;
    const oci_repository_t *repository;
    apr_array_header_t *batch; /* of oci_blob_t: not recorded yet */
    char *buffer;
    apr_pool_t *pool;    /* for the batch */
    apr_pool_t *scratch; /* for one layer */
} layers_t;

/* Whether a failure is that of our stores, not of the content. */
static int is_fatal(const oci_error_t *error)
{
    return error->code == OCI_E_STORAGE_FULL || error->code == OCI_E_UNAVAILABLE
        || error->code == OCI_E_INTERNAL;
}

/* Say that a blob is not imported.  An interrupt is reported at the end. */
static void skip_layer(layers_t *self, const char *digest, const char *fault)
{
    if (oci_interrupt_pending()) {
        return;
    }
    oci_import_skip(self->import, "%s, blob %s: %s", self->repository->name,
                    digest, fault);
}

/* Write a file to an upload.  *fault: set to what is wrong with the file */
static oci_error_t *write_upload(const char **fault, oci_upload_t *upload,
                                 const layers_t *self, oci_import_file_t *file,
                                 apr_pool_t *pool)
{
    oci_error_t *error = NULL;
    ssize_t n = 0;

    while (!error
           && (n = oci_import_file_read(file, self->buffer, READ_BUFFER)) > 0) {
        struct iovec vec = { self->buffer, n };

        error = oci_upload_write(upload, &vec, 1, pool);
        oci_upload_hash(upload, &vec, 1);
        if (oci_interrupt_pending()) {
            *fault = "interrupted";
            return error;
        }
    }
    if (!error && n < 0) {
        *fault = oci_import_fault(errno, pool);
    }
    return error;
}

/* Import a blob by a copy of its bytes, as if it was pushed. */
static oci_error_t *copy_blob(layers_t *self, const char *digest,
                              oci_import_file_t *file, apr_pool_t *pool)
{
    const char *fault = NULL;
    oci_upload_t *upload;
    oci_error_t *error = oci_upload_begin_once(&upload, self->repository,
                                               oci_digest_algorithm(digest),
                                               pool);

    if (error) {
        return error;
    }
    error = write_upload(&fault, upload, self, file, pool);
    if (!error && !fault) {
        error = oci_upload_finish(upload, digest, pool);
    }
    if (error || fault) {
        oci_upload_cancel(upload, pool);
    }
    oci_upload_release(upload);
    if (error && is_fatal(error)) {
        return error;
    }
    if (error || fault) {
        skip_layer(self, digest, error ? error->message : fault);
        return NULL;
    }
    self->import->report.blobs++;
    self->import->report.bytes += file->size;
    self->import->report.copied++;
    self->import->report.foreign += file->name
        && oci_fs_blob_foreign(self->import->adopter, &file->st);
    return NULL;
}

/* Add a blob whose bytes are in the store to the batch. */
static void add_to_batch(layers_t *self, const oci_blob_t *blob)
{
    oci_blob_t *added = apr_array_push(self->batch);

    added->digest = apr_pstrdup(self->pool, blob->digest);
    added->locator = apr_pstrdup(self->pool, blob->locator);
    added->size = blob->size;
}

/* Try to import a blob without a copy.
 * *adopted: set to 0 if it must be copied */
static oci_error_t *adopt_blob(int *adopted, layers_t *self, const char *digest,
                               oci_import_file_t *file, apr_pool_t *pool)
{
    oci_import_t *import = self->import;
    oci_fs_original_t original = { file->dir, file->name, file->fd, file->st,
                                   digest };
    oci_blob_t blob = { .digest = digest, .size = file->size };
    oci_fs_adopted_e how;
    const char *actual = NULL;
    apr_status_t rv;

    *adopted = file->name && oci_fs_blob_adoptable(import->adopter, &file->st);
    if (!*adopted) {
        return NULL;
    }
    rv = oci_import_file_digest(&actual, file, oci_digest_algorithm(digest),
                                pool);
    if (rv != APR_SUCCESS || strcmp(actual, digest)) {
        skip_layer(self, digest,
                   rv != APR_SUCCESS
                       ? oci_import_fault(rv, pool)
                       : apr_pstrcat(pool, "its bytes have the digest ", actual,
                                     NULL));
        return NULL;
    }
    rv = oci_fs_blob_adopt(&how, &blob.locator, import->adopter, &original,
                           pool);
    if (rv == APR_ENOTIMPL) {
        *adopted = 0;
        return NULL;
    }
    if (rv == APR_EBUSY) {
        skip_layer(self, digest, "the file was changed while it was read");
        return NULL;
    }
    if (rv != APR_SUCCESS) {
        return oci_error_storage(pool, rv, "cannot store %s as %s/%s", digest,
                                 self->repository->registry->blobs->where,
                                 blob.locator);
    }
    import->report.blobs++;
    import->report.bytes += blob.size;
    *(how == OCI_FS_LINKED ? &import->report.linked
                           : &import->report.cloned) += 1;
    add_to_batch(self, &blob);
    return NULL;
}

/* Import a blob whose bytes are not in the store.  Garbage collection of the
 * other registry removes bytes, but not each link to them: it only matters that
 * they are missing if a manifest names them, which is reported then. */
static oci_error_t *import_blob(layers_t *self, const char *digest,
                                apr_pool_t *pool)
{
    oci_import_file_t file;
    oci_error_t *error;
    int adopted;
    apr_status_t rv = self->import->open(&file, self->import->source, digest);

    if (rv == ENOENT) {
        self->import->report.gone++;
        return NULL;
    }
    if (rv != APR_SUCCESS) {
        skip_layer(self, digest, oci_import_fault(rv, pool));
        return NULL;
    }
    error = adopt_blob(&adopted, self, digest, &file, pool);
    if (!error && !adopted) {
        error = copy_blob(self, digest, &file, pool);
    }
    oci_import_file_close(&file);
    return error;
}

/* Whether the bytes of a recorded blob are there. */
static oci_error_t *has_bytes(int *has, const oci_registry_t *registry,
                              const oci_blob_t *blob, apr_pool_t *pool)
{
    apr_off_t size;
    apr_status_t rv = registry->blobs->provider->blob_size(&size,
                                                           registry->blobs,
                                                           blob->locator, pool);

    *has = rv == APR_SUCCESS && size == blob->size;
    return rv == APR_SUCCESS || rv == APR_NOTFOUND
        ? NULL
        : oci_error_storage(pool, rv, "cannot open %s/%s",
                            registry->blobs->where, blob->locator);
}

/* Import a layer, unless the repository has it: the bytes may be there as well,
 * as those of another repository. */
static oci_error_t *import_layer(layers_t *self, const char *digest,
                                 apr_pool_t *pool)
{
    const oci_registry_t *registry = self->repository->registry;
    oci_blob_t blob;
    int has = 0;
    oci_error_t *error = oci_blob_stat(&blob, self->repository, digest, pool);

    if (!error && !(error = oci_blob_release(&blob, self->repository, pool))) {
        self->import->report.present++;
        return NULL;
    }
    if (error->code == OCI_E_BLOB_UNKNOWN) {
        error = oci_blob_record(&blob, registry, digest, pool);
    }
    if (!error) {
        error = has_bytes(&has, registry, &blob, pool);
    }
    if (error && error->code != OCI_E_BLOB_UNKNOWN) {
        return error;
    }
    if (has) {
        add_to_batch(self, &blob);
        return NULL;
    }
    return import_blob(self, digest, pool);
}

/* Lock all blobs of the batch, so that nobody deletes their bytes.
 * *locks: set to the locks that were taken, also after an error */
static oci_error_t *lock_batch(apr_array_header_t **locks, layers_t *self)
{
    oci_error_t *error = NULL;
    int i;

    *locks = apr_array_make(self->pool, LAYER_BATCH, sizeof(oci_lock_t *));
    for (i = 0; i < self->batch->nelts && !error; i++) {
        oci_lock_t *lock;

        error = oci_blob_lock(&lock, self->repository->registry,
                              APR_ARRAY_IDX(self->batch, i, oci_blob_t).digest,
                              OCI_LOCK_SHARED, self->pool);
        if (!error) {
            APR_ARRAY_PUSH(*locks, oci_lock_t *) = lock;
        }
    }
    return error;
}

/* Keep only the blobs of the batch whose bytes are still there: before they
 * were locked, garbage collection may have deleted bytes without a record.
 * lost: receives the digests of the others */
static oci_error_t *confirm_batch(layers_t *self, apr_array_header_t *lost)
{
    oci_error_t *error = NULL;
    int i, has, kept = 0;

    for (i = 0; i < self->batch->nelts && !error; i++) {
        oci_blob_t *blob = &APR_ARRAY_IDX(self->batch, i, oci_blob_t);

        error = has_bytes(&has, self->repository->registry, blob, self->pool);
        if (!has) {
            APR_ARRAY_PUSH(lost, const char *) = blob->digest;
            continue;
        }
        APR_ARRAY_IDX(self->batch, kept, oci_blob_t) = *blob;
        kept++;
    }
    self->batch->nelts = kept;
    return error;
}

/* Sync the names of the batch's blobs, and record the blobs. */
static oci_error_t *record_batch(layers_t *self, apr_array_header_t *lost)
{
    const oci_registry_t *registry = self->repository->registry;
    apr_status_t rv = oci_fs_adopter_sync(self->import->adopter);
    apr_array_header_t *locks;
    oci_error_t *error;
    int i;

    if (rv != APR_SUCCESS) {
        return oci_error_storage(self->pool, rv, "cannot sync %s",
                                 registry->blobs->where);
    }
    error = lock_batch(&locks, self);
    if (!error) {
        error = confirm_batch(self, lost);
    }
    if (!error && self->batch->nelts) {
        error = oci_blob_add_all(self->repository, self->batch, self->pool);
    }
    for (i = locks->nelts; i-- > 0;) {
        oci_registry_unlock(registry, APR_ARRAY_IDX(locks, i, oci_lock_t *));
    }
    return error;
}

static void begin_batch(layers_t *self)
{
    apr_pool_clear(self->pool);
    self->batch = apr_array_make(self->pool, LAYER_BATCH, sizeof(oci_blob_t));
}

/* Record the batch, and begin the next one. */
static oci_error_t *end_batch(layers_t *self, apr_pool_t *pool)
{
    apr_array_header_t *lost = apr_array_make(self->pool, 1,
                                              sizeof(const char *));
    oci_error_t *error = NULL;
    int i;

    if (self->batch->nelts) {
        error = record_batch(self, lost);
    }
    for (i = 0; i < lost->nelts; i++) {
        skip_layer(self, APR_ARRAY_IDX(lost, i, const char *),
                   "garbage collection removed its bytes meanwhile; run the "
                   "same command again");
    }
    if (error) {
        /* its text must outlive the batch */
        return oci_error_storage(pool, APR_SUCCESS, "%s",
                                 oci_error_text(error, self->pool));
    }
    begin_batch(self);
    return NULL;
}

static oci_error_t *import_link(layers_t *self, int dir, const char *hex,
                                apr_pool_t *pool)
{
    oci_import_link_t link;
    apr_status_t rv = oci_import_link_check(&link, dir, hex, pool);

    if (rv == APR_SUCCESS) {
        return import_layer(self, link.digest, pool);
    }
    if (rv == ENOENT) {
        return NULL; /* it was deleted, or is being pushed */
    }
    oci_import_skip(self->import, "%s/_layers/sha256/%s/link: %s",
                    self->repository->name, hex, oci_import_fault(rv, pool));
    return NULL;
}

/* Record the batch after a layer if it is complete.
 * error: of the layer, or NULL */
static oci_error_t *after_layer(layers_t *self, oci_error_t *error,
                                apr_pool_t *pool)
{
    if (error) {
        error = oci_error_storage(pool, APR_SUCCESS, "%s",
                                  oci_error_text(error, self->scratch));
    }
    apr_pool_clear(self->scratch);
    oci_import_progress(self->import);
    return !error && self->batch->nelts >= LAYER_BATCH ? end_batch(self, pool)
                                                       : error;
}

/* Import what the directory of links lists, batch by batch. */
static oci_error_t *import_links(layers_t *self, oci_import_dir_t *links,
                                 apr_pool_t *pool)
{
    oci_error_t *error = NULL;
    const char *hex;

    while (!error && !oci_interrupt_pending()
           && (hex = oci_import_dir_next(links))) {
        error = after_layer(self,
                            import_link(self, links->fd, hex, self->scratch),
                            pool);
    }
    return error ? error : end_batch(self, pool);
}

static oci_error_t *begin(layers_t *self, apr_pool_t *pool)
{
    apr_status_t rv = apr_pool_create(&self->pool, pool);

    if (rv == APR_SUCCESS) {
        rv = apr_pool_create(&self->scratch, pool);
    }
    if (rv != APR_SUCCESS) {
        return oci_error_storage(pool, rv, "cannot import layers");
    }
    self->buffer = apr_palloc(pool, READ_BUFFER);
    begin_batch(self);
    return NULL;
}

oci_error_t *oci_import_blobs(oci_import_t *import,
                              const oci_repository_t *repository,
                              const apr_array_header_t *digests,
                              apr_pool_t *pool)
{
    layers_t self = { .import = import, .repository = repository };
    oci_error_t *error = begin(&self, pool);
    int i;

    for (i = 0; i < digests->nelts && !error && !oci_interrupt_pending(); i++) {
        const char *digest = APR_ARRAY_IDX(digests, i, const char *);

        error = after_layer(&self, import_layer(&self, digest, self.scratch),
                            pool);
    }
    return error ? error : end_batch(&self, pool);
}

oci_error_t *oci_import_layers(oci_import_t *import,
                               const oci_repository_t *repository, int dir,
                               apr_pool_t *pool)
{
    layers_t self = { .import = import, .repository = repository };
    oci_import_dir_t links;
    oci_error_t *error = begin(&self, pool);
    apr_status_t rv;

    if (error) {
        return error;
    }
    rv = oci_import_dir_open(&links, dir, "_layers/sha256");
    if (rv == APR_SUCCESS) {
        error = import_links(&self, &links, pool);
        rv = links.rv;
    }
    oci_import_dir_close(&links);
    if (rv != APR_SUCCESS && rv != ENOENT) {
        oci_import_skip(import, "%s/_layers/sha256: %s", repository->name,
                        oci_import_fault(rv, pool));
    }
    return error;
}
