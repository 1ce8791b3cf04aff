/* SPDX-License-Identifier: Apache-2.0 */

/* Upload sessions, which become blobs. */

#include <string.h>

#include "apr_strings.h"

#include "registry/blob.h"
#include "registry/keys.h"
#include "registry/pool.h"
#include "registry/upload.h"
#include "registry/upload_id.h"
#include "registry/upload_record.h"

/* What is stored after each request of an upload:
 *
 *     POST    nothing: the id is authenticated, see upload_id.h
 *     PATCH   the bytes, not synced, in the blob store; a record, with the boot
 *             in which they were written, in the index, see upload_record.h
 *     PUT     a blob, synced; a tombstone instead of the record
 *
 * A request in the same boot trusts the record.  The first request on another
 * host, or after a reboot, reads all bytes and compares their hash with the
 * record's, because the bytes may have been lost although the record was not.
 * From then on the bytes are synced before each record is written, so that the
 * upload can move between hosts without being read again.
 *
 * An upload of a single request has an id that no client knows.  It has neither
 * a record nor a tombstone.
 */

#define BUFFER_SIZE (128 * 1024)

static oci_blob_store_t *blobs_of(const oci_upload_t *upload)
{
    return upload->repository.registry->blobs;
}

/* Write a record.  The write is atomic but not synced: after a crash of the
 * machine an older record is as good, because a claim drops the bytes after
 * it. */
static oci_error_t *put_record(const oci_upload_t *upload, const char *record,
                               apr_pool_t *pool)
{
    apr_array_header_t *changes;

    if (upload->single_request) {
        return NULL;
    }
    changes = oci_change_list_make(pool);
    oci_change_put(changes, OCI_CHANGE_PUT, oci_key_upload(pool, upload->id),
                   record, strlen(record));
    return oci_facts_apply(upload->repository.registry, changes, 0, pool);
}

/* Write the upload's current state as its record. */
static oci_error_t *save_record(const oci_upload_t *upload, apr_pool_t *pool)
{
    oci_upload_record_t record = { upload->size,       upload->hash,
                                   upload->boot,       upload->rehashed,
                                   upload->retry_size, upload->retry_hash };

    return put_record(upload, oci_upload_record_format(&record, pool), pool);
}

static oci_error_t *storage_error(const oci_upload_t *upload, apr_status_t rv,
                                  const char *operation, apr_pool_t *pool)
{
    return oci_error_storage(pool, rv, "cannot %s upload %s in %s", operation,
                             upload->id, blobs_of(upload)->where);
}

/* Make an upload that has no bytes yet. */
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

static oci_error_t *upload_unknown(const char *id, apr_pool_t *pool)
{
    return oci_error_make(pool, OCI_E_UPLOAD_UNKNOWN, "upload", id,
                          "the repository has no such upload; it may be "
                          "finished, cancelled or expired");
}

/* Read the state of an upload whose id is valid.  If it has no record yet, it
 * is new and uses this algorithm. */
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
        return upload_unknown(id, pool);
    }
    *upload = make_upload(repository, id, algorithm, pool);
    if (!value.data) {
        return NULL;
    }
    rv = oci_upload_record_parse(&record, value.data, value.size, pool);
    if (rv != APR_SUCCESS) {
        return oci_error_storage(pool, rv,
                                 "%s/%s is not a valid upload record; the "
                                 "client has to begin a new upload",
                                 repository->registry->index->where, key);
    }
    (*upload)->size = record.size;
    (*upload)->hash = record.hash;
    (*upload)->boot = record.boot;
    (*upload)->rehashed = record.rehashed;
    (*upload)->retry_size = record.retry_size;
    (*upload)->retry_hash = record.retry_hash;
    (*upload)->unverified = record.size > 0
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
                 : upload_unknown(id, pool);
}

oci_error_t *oci_upload_ended(int *ended, const oci_repository_t *repository,
                              const char *id, apr_pool_t *pool)
{
    oci_algorithm_e algorithm;
    oci_value_t value;
    oci_error_t *error = oci_upload_id_check(ended, &algorithm, repository, id,
                                             pool);

    if (error || !*ended) {
        return error;
    }
    error = oci_fact_get(&value, repository->registry, oci_key_upload(pool, id),
                         pool);
    *ended = !error && value.data && !value.size;
    return error;
}

/* End an upload whose stored bytes are not those that were written.
 * found: the bytes that were found, for the log */
static oci_error_t *end_lost_upload(oci_upload_t *upload, const char *found,
                                    apr_pool_t *pool)
{
    oci_error_t *error = oci_upload_cancel(upload, pool);

    if (!error) {
        error = oci_error_make(pool, OCI_E_UPLOAD_UNKNOWN, "upload", upload->id,
                               "the upload's bytes were lost; begin a new "
                               "upload");
        error->note = apr_psprintf(pool,
                                   "upload %s in %s had %s the %" APR_OFF_T_FMT
                                   " that were written; it is deleted",
                                   upload->id, blobs_of(upload)->where, found,
                                   upload->size);
    }
    return error;
}

/* Open the upload's bytes.  No other request can open them meanwhile. */
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
        return end_lost_upload(*upload, "fewer bytes than", pool);
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
        (*upload)->single_request = 1;
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

/* Hash the stored bytes.  *size is set to their number, which is less than
 * upload->size if some are lost. */
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

    if (!upload->unverified) {
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
        return end_lost_upload(upload, "other bytes than", pool);
    }
    upload->unverified = 0;
    upload->boot = OCI_BOOT_SYNCED;
    return NULL;
}

void oci_upload_begin_body(oci_upload_t *upload, apr_pool_t *pool)
{
    upload->retry_size = upload->size;
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
    apr_status_t rv;

    if (!upload->retry_hash) {
        return NULL;
    }
    upload->size = upload->retry_size;
    upload->hash = upload->retry_hash;
    upload->retry_hash = NULL;
    upload->unverified = upload->unverified && upload->size > 0;
    rv = blobs_of(upload)->provider->upload_resume(upload->writer,
                                                   upload->size);
    return rv == APR_SUCCESS ? NULL : storage_error(upload, rv, "resume", pool);
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
                              "the digest algorithm of an upload can "
                              "change once: finish this upload with a %s "
                              "digest, or begin a new one",
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
    upload->retry_hash = NULL;
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

/* End an upload whose bytes could not be synced.  The system reports lost bytes
 * only once, so that a later sync of the same file may succeed without them.
 * The bytes are deleted before the record, so that the upload cannot be
 * finished even if the record cannot be written. */
static oci_error_t *end_unsynced_upload(oci_upload_t *upload, apr_status_t rv,
                                        apr_pool_t *pool)
{
    oci_error_t *error = storage_error(upload, rv, "sync", pool);

    blobs_of(upload)->provider->upload_abort(upload->writer);
    put_record(upload, "", pool);
    return error;
}

/* The bytes are synced only if this machine has no boot name, which the next
 * request could compare, or if the upload was synced before. */
oci_error_t *oci_upload_save(oci_upload_t *upload, apr_pool_t *pool)
{
    int sync = !upload->repository.registry->boot
        || (upload->boot && !strcmp(upload->boot, OCI_BOOT_SYNCED));
    apr_status_t rv;

    if (upload->single_request) {
        return NULL;
    }
    rv = blobs_of(upload)->provider->upload_close(upload->writer, sync);
    if (rv != APR_SUCCESS) {
        return end_unsynced_upload(upload, rv, pool);
    }
    upload->boot = sync ? OCI_BOOT_SYNCED : upload->repository.registry->boot;
    return save_record(upload, pool);
}

/* End an upload: write a tombstone, unless no client knows the id, and delete
 * the bytes. */
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
        return end_unsynced_upload(upload, rv, pool);
    }
    rv = provider->upload_commit(&blob.locator, upload->writer, digest,
                                 upload->repository.registry->durable, pool);
    if (rv != APR_SUCCESS) {
        return storage_error(upload, rv,
                             apr_psprintf(pool, "make blob %s from", digest),
                             pool);
    }
    if ((error = oci_blob_add(&upload->repository, &blob, pool))) {
        return error;
    }
    return end_session(upload, pool);
}

oci_error_t *oci_upload_cancel(oci_upload_t *upload, apr_pool_t *pool)
{
    return end_session(upload, pool);
}
