/* SPDX-License-Identifier: Apache-2.0 */

/* Adds bytes to an upload, and makes a blob of it. */

#include <string.h>

#include "apr_strings.h"

#include "registry/blob_add.h"
#include "registry/pool.h"
#include "registry/upload_lease.h"
#include "registry/upload_record.h"
#include "registry/upload_remote.h"
#include "registry/upload_state.h"
#include "registry/upload_write.h"

/* A body of at least this many bytes is synced when it ends, and so is an
 * upload once smaller bodies make this many, so that the closing PUT need not
 * read them again. */
#define SYNC_BODY   (1024 * 1024)
#define SYNC_UPLOAD (1024 * 1024 * 1024)

/* Close the writer.  The text that a remote store returns gets a pool of its
 * own, because pool may end before the upload, or have many of them. */
static apr_status_t close_writer(oci_upload_t *upload, int durable,
                                 apr_pool_t *pool)
{
    const oci_blob_store_provider_t *provider = oci_upload_blobs(upload)
                                                    ->provider;
    const char *state;
    apr_pool_t *kept;
    apr_status_t rv;

    if (!provider->remote) {
        return provider->upload_close(&upload->store, upload->writer, durable,
                                      pool);
    }
    rv = oci_pool_make(&kept, upload->lease_pool);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = provider->upload_close(&state, upload->writer, durable, kept);
    if (rv != APR_SUCCESS) {
        apr_pool_destroy(kept);
        return rv;
    }
    if (upload->store_pool) {
        apr_pool_destroy(upload->store_pool);
    }
    upload->store_pool = kept;
    upload->store = state;
    return APR_SUCCESS;
}

oci_error_t *oci_upload_verify(oci_upload_t *upload, apr_pool_t *pool)
{
    oci_hash_t *hash;
    oci_error_t *error;
    apr_off_t size;
    apr_status_t rv;

    if (!upload->unverified) {
        return NULL;
    }
    hash = oci_hash_make(oci_hash_algorithm(upload->hash), pool);
    error = oci_upload_hash_stored(hash, &size, upload, pool);
    if (error) {
        return error;
    }
    if (size < upload->size
        || strcmp(oci_hash_save(hash, pool),
                  oci_hash_save(upload->hash, pool))) {
        return oci_upload_end_lost(upload, "other bytes than", pool);
    }
    rv = close_writer(upload, 1, pool);
    if (rv != APR_SUCCESS) {
        return oci_upload_end_unsynced(upload, rv, pool);
    }
    upload->unverified = 0;
    upload->boot = OCI_BOOT_SYNCED;
    return oci_upload_save_record(upload, 0, pool);
}

void oci_upload_begin_body(oci_upload_t *upload, apr_pool_t *pool)
{
    upload->retry_size = upload->size;
    upload->retry_store = upload->store;
    if (oci_hash_load(&upload->retry_hash, oci_hash_algorithm(upload->hash),
                      oci_hash_save(upload->hash, pool), pool)) {
        upload->retry_hash = NULL;
    }
}

void oci_upload_end_body(oci_upload_t *upload)
{
    upload->retry_hash = NULL;
}

oci_error_t *oci_upload_rewind(oci_upload_t *upload, apr_pool_t *pool)
{
    oci_error_t *error;
    apr_status_t rv;

    if (!upload->retry_hash) {
        return NULL;
    }
    upload->size = upload->claimed_size = upload->retry_size;
    upload->saved_size = upload->size;
    upload->hash = upload->retry_hash;
    upload->store = upload->retry_store;
    upload->retry_hash = NULL;
    upload->unverified = upload->unverified && upload->size > 0;
    /* First the record: it must never vouch for bytes that are replaced. */
    if ((error = oci_upload_save_record(upload, 1, pool))) {
        return error;
    }
    rv = oci_upload_blobs(upload)->provider->upload_resume(upload->writer,
                                                           upload->size,
                                                           upload->store);
    return rv == APR_SUCCESS
        ? NULL
        : oci_upload_storage_error(upload, rv, "resume", pool);
}

oci_error_t *oci_upload_rehash(oci_upload_t *upload, oci_algorithm_e algorithm,
                               apr_pool_t *pool)
{
    oci_algorithm_e old = oci_hash_algorithm(upload->hash);
    oci_hash_t *hash;
    oci_error_t *error;
    apr_off_t size;

    if (old == algorithm) {
        return NULL;
    }
    if (upload->size && oci_upload_blobs(upload)->provider->remote) {
        return NULL; /* oci_upload_finish verifies the blob */
    }
    if (upload->rehashed) {
        return oci_error_make(pool, OCI_E_DIGEST_INVALID, "upload", upload->id,
                              "the digest algorithm of an upload can "
                              "change once: finish this upload with a %s "
                              "digest, or begin a new one",
                              oci_algorithm_name(old));
    }
    hash = oci_hash_make(algorithm, pool);
    error = oci_upload_hash_stored(hash, &size, upload, pool);
    if (error) {
        return error;
    }
    if (size < upload->size) {
        return oci_upload_end_lost(upload, "fewer bytes than", pool);
    }
    upload->hash = hash;
    upload->retry_hash = NULL;
    if (!upload->size) {
        return NULL;
    }
    upload->rehashed = 1;
    return oci_upload_save_record(upload, 0, pool);
}

oci_error_t *oci_upload_write(oci_upload_t *upload, const struct iovec *vec,
                              int n, apr_pool_t *pool)
{
    oci_error_t *error = oci_upload_lease_renew(upload, pool);
    apr_status_t rv;
    int i;

    if (!error && upload->finishing) {
        error = oci_error_make(pool, OCI_E_UPLOAD_INVALID, "upload", upload->id,
                               "a request has begun to finish this upload: "
                               "repeat its closing PUT without a body, or "
                               "begin a new upload");
    }
    if (error) {
        return error;
    }
    rv = oci_upload_blobs(upload)->provider->upload_write(upload->writer, vec,
                                                          n);
    if (rv == APR_EOF) {
        return oci_upload_end_lost(upload, "fewer bytes than", pool);
    }
    if (rv != APR_SUCCESS) {
        return oci_upload_storage_error(upload, rv, "write to", pool);
    }
    for (i = 0; i < n; i++) {
        upload->size += vec[i].iov_len;
    }
    return NULL;
}

void oci_upload_hash(oci_upload_t *upload, const struct iovec *vec, int n)
{
    int i;

    for (i = 0; i < n; i++) {
        oci_hash_update(upload->hash, vec[i].iov_base, vec[i].iov_len);
    }
}

/* Whether the bytes are synced when a body ends: if the store is remote, if
 * this machine has no boot name, which the next request could compare, if the
 * upload was synced before, or if they are many. */
static int must_sync(const oci_upload_t *upload)
{
    const oci_registry_t *registry = upload->repository.registry;

    return registry->blobs->provider->remote || !registry->boot
        || oci_upload_is_synced(upload)
        || (registry->durable
            && (upload->size - upload->claimed_size >= SYNC_BODY
                || upload->size >= SYNC_UPLOAD));
}

/* After a sync, check the bytes of earlier requests that were not synced.  The
 * sync says nothing of them: the system forgets that it failed to write them
 * once it has dropped the file from memory. */
static oci_error_t *check_earlier_bytes(oci_upload_t *upload, apr_pool_t *pool)
{
    oci_hash_t *hash;
    oci_error_t *error;
    apr_off_t size;

    if (!upload->claimed_size || oci_upload_is_synced(upload)) {
        return NULL;
    }
    hash = oci_hash_make(oci_hash_algorithm(upload->hash), pool);
    error = oci_upload_hash_stored(hash, &size, upload, pool);
    if (error) {
        return error;
    }
    return size < upload->size
            || strcmp(oci_hash_save(hash, pool),
                      oci_hash_save(upload->hash, pool))
        ? oci_upload_end_lost(upload, "other bytes than", pool)
        : NULL;
}

/* Make the bytes survive the process, and if necessary the machine. */
static oci_error_t *keep_bytes(oci_upload_t *upload, apr_pool_t *pool)
{
    int sync = must_sync(upload);
    oci_error_t *error = NULL;
    apr_status_t rv;

    rv = close_writer(upload, sync, pool);
    if (rv != APR_SUCCESS
        && upload->repository.registry->blobs->provider->remote) {
        return oci_upload_storage_error(upload, rv, "save", pool);
    }
    if (rv != APR_SUCCESS) {
        return oci_upload_end_unsynced(upload, rv, pool);
    }
    if (sync) {
        error = check_earlier_bytes(upload, pool);
    }
    upload->saved_size = upload->size;
    upload->boot = sync ? OCI_BOOT_SYNCED : upload->repository.registry->boot;
    return error;
}

oci_error_t *oci_upload_save(oci_upload_t *upload, apr_pool_t *pool)
{
    oci_error_t *error;

    if (upload->single_request) {
        return NULL;
    }
    if ((error = keep_bytes(upload, pool))) {
        return error;
    }
    return upload->lease.token
        ? oci_upload_lease_write(upload, oci_upload_record_of(upload, pool), 0,
                                 0, pool)
        : oci_upload_save_record(upload, 0, pool);
}

oci_error_t *oci_upload_save_early(oci_upload_t *upload, apr_pool_t *pool)
{
    oci_error_t *error;

    if (upload->single_request) {
        return NULL;
    }
    error = keep_bytes(upload, pool);
    if (!error) {
        oci_upload_save_record(upload, 0, pool);
    }
    return error;
}

/* Delete the bytes of a blob that could not be added to the repository, if it
 * has no record: garbage collection might not find them.  The upload has its
 * bytes still.  If this fails, too, a full run may delete them. */
static void remove_bytes(const oci_registry_t *registry, const oci_blob_t *blob,
                         apr_pool_t *pool)
{
    oci_lock_t *lock;
    oci_blob_t recorded;
    oci_error_t *error = oci_blob_lock(&lock, registry, blob->digest,
                                       OCI_LOCK_EXCLUSIVE, pool);

    if (error) {
        return;
    }
    error = oci_blob_record(&recorded, registry, blob->digest, pool);
    if (error && error->code == OCI_E_BLOB_UNKNOWN) {
        oci_blob_delete_bytes(registry, blob, pool);
    }
    oci_registry_unlock(registry, lock);
}

/* Make a blob of the upload's bytes, which are verified, and add it to the
 * repository.  The lock keeps garbage collection from deleting it between the
 * two. */
static oci_error_t *commit(const oci_upload_t *upload, const char *digest,
                           apr_pool_t *pool)
{
    const oci_registry_t *registry = upload->repository.registry;
    oci_blob_t blob = { .digest = digest, .size = upload->size };
    oci_lock_t *lock;
    oci_error_t *error = oci_blob_lock(&lock, registry, digest, OCI_LOCK_SHARED,
                                       pool);
    apr_status_t rv;

    if (error) {
        return error;
    }
    rv = registry->blobs->provider->upload_commit(&blob.locator, upload->writer,
                                                  digest, registry->durable,
                                                  pool);
    error = rv == APR_SUCCESS
        ? oci_blob_add(&upload->repository, &blob, pool)
        : oci_upload_storage_error(upload, rv,
                                   apr_psprintf(pool, "make blob %s from",
                                                digest),
                                   pool);
    oci_registry_unlock(registry, lock);
    if (error && rv == APR_SUCCESS && error->code != OCI_E_UNAVAILABLE) {
        remove_bytes(registry, &blob, pool);
    }
    return error;
}

/* Sync a local upload, and make a blob of it. */
static oci_error_t *sync_and_commit(oci_upload_t *upload, const char *digest,
                                    apr_pool_t *pool)
{
    int durable = upload->repository.registry->durable;
    apr_status_t rv = close_writer(upload, durable, pool);
    oci_error_t *error;

    if (rv != APR_SUCCESS) {
        return oci_upload_end_unsynced(upload, rv, pool);
    }
    if (durable && (error = check_earlier_bytes(upload, pool))) {
        return error;
    }
    return commit(upload, digest, pool);
}

oci_error_t *oci_upload_finish(oci_upload_t *upload, const char *digest,
                               apr_pool_t *pool)
{
    const char *actual = oci_hash_digest(upload->hash, pool);
    oci_error_t *error;

    if (oci_upload_blobs(upload)->provider->remote) {
        error = oci_upload_commit_remote(upload, digest, pool);
    }
    else {
        error = strcmp(actual, digest)
            ? oci_upload_refuse_digest(upload, digest, actual, pool)
            : sync_and_commit(upload, digest, pool);
    }
    return error ? error : oci_upload_end(upload, pool);
}

oci_error_t *oci_upload_cancel(oci_upload_t *upload, apr_pool_t *pool)
{
    return oci_upload_end(upload, pool);
}
