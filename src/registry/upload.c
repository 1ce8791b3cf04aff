/* SPDX-License-Identifier: Apache-2.0 */

/* Uploads: sessions that become blobs. */

#include <string.h>

#include "apr_strings.h"

#include "registry/blob.h"
#include "registry/keys.h"
#include "registry/pool.h"
#include "registry/upload.h"
#include "registry/upload_id.h"
#include "registry/upload_record.h"

/* An upload of several requests, and what is there after each:
 *
 *     POST    nothing: the id proves itself, see upload_id.h
 *     PATCH   its bytes in the blob store, not synced; a record, which says
 *             in which boot they were written, see upload_record.h
 *     PUT     a blob, synced; a tombstone in the place of the record
 *
 * A request in the same boot trusts the record.  One on another host, or
 * after a reboot, reads all bytes once and compares their hash with the
 * record's, since the record may have outlived them.  From then on the
 * upload is synced with each record, so that it may go on from host to host
 * and is not read again.
 *
 * An upload of one request has an id that no client knows, and neither a
 * record nor a tombstone.
 */

#define BUFFER_SIZE (128 * 1024)

static oci_blob_store_t *blobs_of(const oci_upload_t *upload)
{
    return upload->repository.registry->blobs;
}

/* The record is written whole, but never synced: after the machine's end an
 * older one is as good, since a claim drops what lies beyond it. */
static oci_error_t *put_record(const oci_upload_t *upload, const char *record,
                               apr_pool_t *pool)
{
    apr_array_header_t *changes;

    if (upload->once) {
        return NULL;
    }
    changes = oci_change_list_make(pool);
    oci_change_put(changes, OCI_CHANGE_PUT, oci_key_upload(pool, upload->id),
                   record, strlen(record));
    return oci_facts_apply(upload->repository.registry, changes, 0, pool);
}

/* Write how the upload stands. */
static oci_error_t *save_record(const oci_upload_t *upload, apr_pool_t *pool)
{
    oci_upload_record_t record = { upload->size, upload->hash, upload->boot,
                                   upload->rehashed };

    return put_record(upload, oci_upload_record_format(&record, pool), pool);
}

static oci_error_t *storage_error(const oci_upload_t *upload, apr_status_t rv,
                                  const char *what, apr_pool_t *pool)
{
    return oci_error_storage(pool, rv, "cannot %s upload %s in %s", what,
                             upload->id, blobs_of(upload)->where);
}

/* An upload that has no bytes yet. */
static oci_upload_t *make_upload(const oci_repository_t *repository,
                                 const char *id, oci_algorithm_e algorithm,
                                 apr_pool_t *pool)
{
    oci_upload_t *upload = apr_pcalloc(pool, sizeof(*upload));

    upload->id = id;
    upload->repository = *repository;
    upload->hash = oci_hash_make(algorithm, pool);
    return upload;
}

oci_error_t *oci_upload_begin(oci_upload_t **upload,
                              const oci_repository_t *repository,
                              oci_algorithm_e algorithm, apr_pool_t *pool)
{
    const char *id;
    oci_error_t *error = oci_upload_id_make(&id, repository, algorithm, pool);

    if (!error) {
        *upload = make_upload(repository, id, algorithm, pool);
    }
    return error;
}

static oci_error_t *unknown(const char *id, apr_pool_t *pool)
{
    return oci_error_make(pool, OCI_E_UPLOAD_UNKNOWN, "upload", id,
                          "the repository has no such upload; it may be "
                          "finished, cancelled or expired");
}

/* Read how an upload stands whose id is known to be good.  It is made by
 * this algorithm where it has no record yet. */
static oci_error_t *read_upload(oci_upload_t **upload,
                                const oci_repository_t *repository,
                                const char *id, oci_algorithm_e algorithm,
                                apr_pool_t *pool)
{
    const char *key = oci_key_upload(pool, id);
    oci_upload_record_t record;
    oci_value_t value;
    oci_error_t *error = oci_fact_get(&value, repository->registry, key, pool);
    apr_status_t rv;

    if (error) {
        return error;
    }
    if (value.data ? !value.size : oci_upload_id_expired(id, apr_time_now())) {
        return unknown(id, pool);
    }
    *upload = make_upload(repository, id, algorithm, pool);
    if (!value.data) {
        return NULL;
    }
    rv = oci_upload_record_parse(&record, value.data, value.size, pool);
    if (rv != APR_SUCCESS) {
        return oci_error_storage(pool, rv, "%s/%s is no record of an upload",
                                 repository->registry->index->where, key);
    }
    (*upload)->size = record.size;
    (*upload)->hash = record.hash;
    (*upload)->boot = record.boot;
    (*upload)->rehashed = record.rehashed;
    (*upload)->unsure = record.size > 0
        && !oci_upload_record_trusted(&record, repository->registry->boot);
    return NULL;
}

oci_error_t *oci_upload_find(oci_upload_t **upload,
                             const oci_repository_t *repository, const char *id,
                             apr_pool_t *pool)
{
    oci_algorithm_e algorithm;
    int valid;
    oci_error_t *error = oci_upload_id_check(&valid, &algorithm, repository, id,
                                             pool);

    if (error) {
        return error;
    }
    return valid ? read_upload(upload, repository, id, algorithm, pool)
                 : unknown(id, pool);
}

/* An upload whose bytes went behind our back is over.
 * what: the bytes that are there, for the log */
static oci_error_t *lost(oci_upload_t *upload, const char *what,
                         apr_pool_t *pool)
{
    oci_error_t *error = oci_upload_cancel(upload, pool);

    if (!error) {
        error = oci_error_make(pool, OCI_E_UPLOAD_UNKNOWN, "upload", upload->id,
                               "the upload's bytes were lost; begin a new one");
        error->note = apr_psprintf(pool,
                                   "upload %s in %s had %s the %" APR_OFF_T_FMT
                                   " that were written",
                                   upload->id, blobs_of(upload)->where, what,
                                   upload->size);
    }
    return error;
}

/* Open the upload's bytes, which no other request can do meanwhile. */
static oci_error_t *open_writer(oci_blob_writer_t **writer, apr_pool_t **claim,
                                const oci_upload_t *upload, apr_pool_t *pool)
{
    oci_blob_store_t *store = blobs_of(upload);
    apr_status_t rv = oci_pool_make(claim, pool);

    if (rv != APR_SUCCESS) {
        return storage_error(upload, rv, "claim", pool);
    }
    rv = store->provider->upload_open(writer, store, upload->id, *claim);
    if (rv == APR_EBUSY) {
        return oci_error_make(pool, OCI_E_UPLOAD_RANGE, "upload", upload->id,
                              "another request is writing to this upload");
    }
    if (rv != APR_SUCCESS) {
        return storage_error(upload, rv, "open", pool);
    }
    return NULL;
}

oci_error_t *oci_upload_claim(oci_upload_t **upload, apr_pool_t *pool)
{
    const oci_blob_store_provider_t *provider = blobs_of(*upload)->provider;
    oci_blob_writer_t *writer;
    apr_pool_t *claim;
    oci_error_t *error = open_writer(&writer, &claim, *upload, pool);
    apr_status_t rv;

    if (error) {
        return error;
    }
    error = read_upload(upload, &(*upload)->repository, (*upload)->id,
                        oci_hash_algorithm((*upload)->hash), pool);
    if (error) {
        if (error->code == OCI_E_UPLOAD_UNKNOWN) {
            provider->upload_abort(writer);
        }
        apr_pool_destroy(claim);
        return error;
    }
    (*upload)->claim = claim;
    (*upload)->writer = writer;
    rv = provider->upload_resume(writer, (*upload)->size);
    if (rv == APR_EOF) {
        return lost(*upload, "fewer bytes than", pool);
    }
    if (rv != APR_SUCCESS) {
        return storage_error(*upload, rv, "resume", pool);
    }
    return NULL;
}

oci_error_t *oci_upload_begin_once(oci_upload_t **upload,
                                   const oci_repository_t *repository,
                                   oci_algorithm_e algorithm, apr_pool_t *pool)
{
    oci_error_t *error = oci_upload_begin(upload, repository, algorithm, pool);
    apr_status_t rv;

    if (!error) {
        (*upload)->once = 1;
        error = open_writer(&(*upload)->writer, &(*upload)->claim, *upload,
                            pool);
    }
    if (error) {
        return error;
    }
    rv = blobs_of(*upload)->provider->upload_resume((*upload)->writer, 0);
    return rv == APR_SUCCESS ? NULL : storage_error(*upload, rv, "begin", pool);
}

void oci_upload_release(oci_upload_t *upload)
{
    if (upload && upload->claim) {
        apr_pool_destroy(upload->claim);
        upload->claim = NULL;
        upload->writer = NULL;
    }
}

/* Hash the bytes that are there.  *size: how many of them, fewer than
 * expected where some are lost */
static oci_error_t *hash_bytes(oci_hash_t *hash, apr_off_t *size,
                               const oci_upload_t *upload, apr_pool_t *pool)
{
    const oci_blob_store_provider_t *provider = blobs_of(upload)->provider;
    char *buffer = upload->size ? apr_palloc(pool, BUFFER_SIZE) : NULL;
    apr_size_t length = 1;

    for (*size = 0; *size < upload->size && length; *size += length) {
        apr_off_t left = upload->size - *size;
        apr_status_t rv;

        length = left < BUFFER_SIZE ? (apr_size_t)left : BUFFER_SIZE;
        rv = provider->upload_read(upload->writer, *size, buffer, &length);
        if (rv != APR_SUCCESS) {
            return storage_error(upload, rv, "read", pool);
        }
        oci_hash_update(hash, buffer, length);
    }
    return NULL;
}

oci_error_t *oci_upload_verify(oci_upload_t *upload, apr_pool_t *pool)
{
    oci_hash_t *hash;
    oci_error_t *error;
    apr_off_t size;

    if (!upload->unsure) {
        return NULL;
    }
    hash = oci_hash_make(oci_hash_algorithm(upload->hash), pool);
    error = hash_bytes(hash, &size, upload, pool);
    if (error) {
        return error;
    }
    if (size < upload->size
        || strcmp(oci_hash_save(hash, pool),
                  oci_hash_save(upload->hash, pool))) {
        return lost(upload, "other bytes than", pool);
    }
    upload->unsure = 0;
    upload->boot = OCI_BOOT_SYNCED;
    return NULL;
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
    if (upload->rehashed) {
        return oci_error_make(pool, OCI_E_DIGEST_INVALID, "upload", upload->id,
                              "the algorithm of an upload can "
                              "change once: close this one with a digest by "
                              "%s, or begin a new upload",
                              oci_algorithm_name(old));
    }
    hash = oci_hash_make(algorithm, pool);
    error = hash_bytes(hash, &size, upload, pool);
    if (error) {
        return error;
    }
    if (size < upload->size) {
        return storage_error(upload, APR_EOF, "read", pool);
    }
    upload->hash = hash;
    if (!upload->size) {
        return NULL;
    }
    upload->rehashed = 1;
    return save_record(upload, pool);
}

oci_error_t *oci_upload_write(oci_upload_t *upload, const struct iovec *vec,
                              int n, apr_pool_t *pool)
{
    apr_status_t rv = blobs_of(upload)->provider->upload_write(upload->writer,
                                                               vec, n);
    int i;

    if (rv != APR_SUCCESS) {
        return storage_error(upload, rv, "write to", pool);
    }
    for (i = 0; i < n; i++) {
        upload->size += vec[i].iov_len;
    }
    return NULL;
}

void oci_upload_digest(oci_upload_t *upload, const struct iovec *vec, int n)
{
    int i;

    for (i = 0; i < n; i++) {
        oci_hash_update(upload->hash, vec[i].iov_base, vec[i].iov_len);
    }
}

/* A sync tells once that bytes are lost, and a later one of the same file
 * says nothing of them: such an upload is over.  Its bytes go first, so that
 * nobody finishes it though its record can't be written. */
static oci_error_t *fail_to_sync(oci_upload_t *upload, apr_status_t rv,
                                 apr_pool_t *pool)
{
    oci_error_t *error = storage_error(upload, rv, "sync", pool);

    blobs_of(upload)->provider->upload_abort(upload->writer);
    put_record(upload, "", pool);
    return error;
}

/* Only bytes that the next request may have to find on another host, or
 * after a boot that it cannot tell from this one, are synced here. */
oci_error_t *oci_upload_save(oci_upload_t *upload, apr_pool_t *pool)
{
    int sync = !upload->repository.registry->boot
        || (upload->boot && !strcmp(upload->boot, OCI_BOOT_SYNCED));
    apr_status_t rv;

    if (upload->once) {
        return NULL;
    }
    rv = blobs_of(upload)->provider->upload_close(upload->writer, sync);
    if (rv != APR_SUCCESS) {
        return fail_to_sync(upload, rv, pool);
    }
    upload->boot = sync ? OCI_BOOT_SYNCED : upload->repository.registry->boot;
    return save_record(upload, pool);
}

/* The upload is over: a tombstone, where a client may ask for it again, and
 * no bytes. */
static oci_error_t *end_session(oci_upload_t *upload, apr_pool_t *pool)
{
    oci_error_t *error = put_record(upload, "", pool);
    apr_status_t rv;

    if (error) {
        return error;
    }
    rv = blobs_of(upload)->provider->upload_abort(upload->writer);
    if (rv != APR_SUCCESS) {
        return storage_error(upload, rv, "remove", pool);
    }
    return NULL;
}

oci_error_t *oci_upload_finish(oci_upload_t *upload, const char *digest,
                               apr_pool_t *pool)
{
    const oci_blob_store_provider_t *provider = blobs_of(upload)->provider;
    oci_blob_t blob = { digest, upload->size, NULL };
    const char *actual = oci_hash_digest(upload->hash, pool);
    oci_error_t *error;
    apr_status_t rv;

    if (strcmp(actual, digest)) {
        return oci_error_make(pool, OCI_E_DIGEST_INVALID, "digest", digest,
                              "the digest of the %" APR_OFF_T_FMT " bytes "
                              "received is %s",
                              upload->size, actual);
    }
    rv = provider->upload_close(upload->writer,
                                upload->repository.registry->durable);
    if (rv != APR_SUCCESS) {
        return fail_to_sync(upload, rv, pool);
    }
    rv = provider->upload_commit(&blob.locator, upload->writer, digest,
                                 upload->repository.registry->durable, pool);
    if (rv != APR_SUCCESS) {
        return storage_error(upload, rv,
                             apr_psprintf(pool, "make %s of", digest), pool);
    }
    if ((error = oci_blob_enter(&upload->repository, &blob, pool))) {
        return error;
    }
    return end_session(upload, pool);
}

oci_error_t *oci_upload_cancel(oci_upload_t *upload, apr_pool_t *pool)
{
    return end_session(upload, pool);
}
