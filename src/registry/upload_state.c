/* SPDX-License-Identifier: Apache-2.0 */

/* Reads and writes the state of an upload: its record and its stored bytes. */

#include <string.h>

#include "apr_strings.h"

#include "registry/keys.h"
#include "registry/upload_lease.h"
#include "registry/upload_record.h"
#include "registry/upload_state.h"

#define BUFFER_SIZE (128 * 1024)

oci_blob_store_t *oci_upload_blobs(const oci_upload_t *upload)
{
    return upload->repository.registry->blobs;
}

/* Write a record.  The write is atomic.  A record that is not durable may come
 * back in an older form after a crash of the machine: that is as good, because
 * a claim drops the bytes after it. */
static oci_error_t *put_record(oci_upload_t *upload, const char *record,
                               int durable, apr_pool_t *pool)
{
    if (upload->lease.token) {
        return oci_upload_lease_write(upload, record, 1, durable, pool);
    }
    return upload->single_request
        ? NULL
        : oci_fact_put(upload->repository.registry,
                       oci_key_upload(pool, upload->id), record, durable, pool);
}

const char *oci_upload_record_of(const oci_upload_t *upload, apr_pool_t *pool)
{
    oci_upload_record_t record = {
        .size = upload->size,
        .hash = upload->hash,
        .boot = upload->boot,
        .rehashed = upload->rehashed,
        .retry_size = upload->retry_size,
        .retry_hash = upload->retry_hash,
        .store = upload->store,
        .retry_store = upload->retry_store,
        .finishing = upload->finishing,
    };

    return oci_upload_record_format(&record, pool);
}

oci_error_t *oci_upload_save_record(oci_upload_t *upload, int durable,
                                    apr_pool_t *pool)
{
    return put_record(upload, oci_upload_record_of(upload, pool), durable,
                      pool);
}

/* Copy what the store may have left in the pool of the writer. */
static void copy_note(const oci_upload_t *upload, const char *name,
                      apr_pool_t *pool)
{
    void *note = NULL;

    if (upload->claim && upload->claim != pool) {
        apr_pool_userdata_get(&note, name, upload->claim);
    }
    if (note) {
        apr_pool_userdata_setn(apr_pstrdup(pool, note), name, NULL, pool);
    }
}

oci_error_t *oci_upload_storage_error(const oci_upload_t *upload,
                                      apr_status_t rv, const char *operation,
                                      apr_pool_t *pool)
{
    oci_error_t *error;

    copy_note(upload, OCI_REASON, pool);
    copy_note(upload, OCI_LIMIT, pool);
    error = oci_error_storage(pool, rv, "cannot %s upload %s in %s", operation,
                              upload->id, oci_upload_blobs(upload)->where);
    error->in_blobs = 1;
    return error;
}

oci_error_t *oci_upload_end_lost(oci_upload_t *upload, const char *found,
                                 apr_pool_t *pool)
{
    oci_error_t *error = oci_upload_end(upload, pool);
    void *reason = NULL;

    if (upload->claim) { /* the store may have left its reason there */
        apr_pool_userdata_get(&reason, OCI_REASON, upload->claim);
    }
    if (!error) {
        error = oci_error_make(pool, OCI_E_UPLOAD_UNKNOWN, "upload", upload->id,
                               "the upload's bytes were lost; begin a new "
                               "upload");
        error->note = apr_psprintf(pool,
                                   "upload %s in %s had %s the %" APR_OFF_T_FMT
                                   " that were written; it is deleted%s%s",
                                   upload->id, oci_upload_blobs(upload)->where,
                                   found, upload->size, reason ? ": " : "",
                                   reason ? (const char *)reason : "");
    }
    return error;
}

/* End an upload whose bytes could not be synced.  The system reports lost bytes
 * only once, so that a later sync of the same file may succeed without them.
 * The bytes are deleted before the record, so that the upload cannot be
 * finished even if the record cannot be written. */
oci_error_t *oci_upload_end_unsynced(oci_upload_t *upload, apr_status_t rv,
                                     apr_pool_t *pool)
{
    oci_error_t *error = oci_upload_storage_error(upload, rv, "sync", pool);

    oci_upload_blobs(upload)->provider->upload_abort(upload->writer);
    put_record(upload, "", 0, pool);
    return error;
}

/* End an upload: write a tombstone, or if no client knows the id delete the
 * record, and delete the bytes.  If another request has taken the lease, it has
 * the bytes, too. */
oci_error_t *oci_upload_end(oci_upload_t *upload, apr_pool_t *pool)
{
    const oci_blob_store_provider_t *provider = oci_upload_blobs(upload)
                                                    ->provider;
    oci_error_t *error = put_record(upload, "", 0, pool);
    apr_status_t rv;

    if (error && error->code == OCI_E_UPLOAD_RANGE) {
        return NULL;
    }
    if (error || upload->keep) {
        return error;
    }
    rv = provider->upload_abort(upload->writer);
    return rv == APR_SUCCESS || provider->remote
        ? NULL /* garbage collection finds what is left in a remote store */
        : oci_upload_storage_error(upload, rv, "remove", pool);
}

int oci_upload_is_synced(const oci_upload_t *upload)
{
    return upload->boot && !strcmp(upload->boot, OCI_BOOT_SYNCED);
}

oci_error_t *oci_upload_hash_stored(oci_hash_t *hash, apr_off_t *size,
                                    const oci_upload_t *upload,
                                    apr_pool_t *pool)
{
    const oci_blob_store_provider_t *provider = oci_upload_blobs(upload)
                                                    ->provider;
    char *buffer = upload->size ? apr_palloc(pool, BUFFER_SIZE) : NULL;
    apr_size_t length = 1;

    for (*size = 0; *size < upload->size && length; *size += length) {
        apr_off_t left = upload->size - *size;
        apr_status_t rv;

        length = left < BUFFER_SIZE ? (apr_size_t)left : BUFFER_SIZE;
        rv = provider->upload_read(upload->writer, *size, buffer, &length);
        if (rv != APR_SUCCESS) {
            return oci_upload_storage_error(upload, rv, "read", pool);
        }
        oci_hash_update(hash, buffer, length);
    }
    return NULL;
}
