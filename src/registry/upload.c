/* SPDX-License-Identifier: Apache-2.0 */

/* Upload sessions, which become blobs. */

#include <string.h>

#include "apr_strings.h"

#include "registry/blob.h"
#include "registry/keys.h"
#include "registry/pool.h"
#include "registry/upload.h"
#include "registry/upload_state.h"
#include "registry/upload_id.h"
#include "registry/upload_lease.h"
#include "registry/upload_record.h"

/* What is stored after each request of an upload:
 *
 *     POST    nothing: the id is authenticated, see upload_id.h
 *     PATCH   the bytes in the blob store, synced if they are many; a record in
 *             the index, with the boot in which they were written if some of
 *             them are not synced, see upload_record.h
 *     PUT     a blob, synced; a tombstone instead of the record
 *
 * A request in the same boot trusts the record.  The first request on another
 * host, or after a reboot, reads all bytes and compares their hash with the
 * record's, because the bytes may have been lost although the record was not.
 * From then on the bytes are synced before each record is written, so that the
 * upload can move between hosts without being read again.
 *
 * An upload of a single request has an id that no client knows.  It has neither
 * a record nor a tombstone.  Only one to a remote store that is large or takes
 * long has a record, for its lease, as long as the request lasts.
 */

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
        return oci_error_storage(pool, APR_SUCCESS,
                                 "%s/%s is not a valid upload record; the "
                                 "client must begin a new upload",
                                 repository->registry->index->where, key);
    }
    (*upload)->size = (*upload)->claimed_size = record.size;
    (*upload)->saved_size = record.size;
    (*upload)->hash = record.hash;
    (*upload)->boot = record.boot;
    (*upload)->rehashed = record.rehashed;
    (*upload)->retry_size = record.retry_size;
    (*upload)->retry_hash = record.retry_hash;
    (*upload)->store = record.store;
    (*upload)->retry_store = record.retry_store;
    (*upload)->finishing = record.finishing;
    (*upload)->keep = record.finishing != NULL;
    (*upload)->lease = record.lease;
    (*upload)->unverified = record.size > 0
        && !oci_upload_record_trusted(&record, repository->registry->boot);
    return NULL;
}

oci_error_t *oci_upload_read(oci_upload_t **upload, apr_pool_t *pool)
{
    return read_upload(upload, &(*upload)->repository, (*upload)->id,
                       oci_hash_algorithm((*upload)->hash), pool);
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
    if (!valid) {
        return upload_unknown(id, pool);
    }
    error = read_upload(upload, repository, id, algorithm, pool);
    if (!error) {
        (*upload)->lease.token = NULL; /* it is not this request's */
    }
    return error;
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

/* Open the upload's bytes.  Of a local store, no other request can open them
 * meanwhile. */
static oci_error_t *open_writer(oci_blob_writer_t **writer, apr_pool_t **claim,
                                const oci_upload_t *upload, apr_pool_t *pool)
{
    oci_blob_store_t *store = oci_upload_blobs(upload);
    apr_status_t rv = oci_pool_make(claim, pool);

    if (rv != APR_SUCCESS) {
        *claim = NULL;
        return oci_upload_storage_error(upload, rv, "claim", pool);
    }
    rv = store->provider->upload_open(writer, store, upload->id, *claim);
    if (rv == APR_SUCCESS) {
        return NULL;
    }
    apr_pool_destroy(*claim);
    *claim = NULL;
    return rv == APR_EBUSY
        ? oci_error_make(pool, OCI_E_UPLOAD_RANGE, "upload", upload->id,
                         "another request is writing to this upload")
        : oci_upload_storage_error(upload, rv, "open", pool);
}

/* Resume an upload that is claimed. */
static oci_error_t *resume(oci_upload_t *upload, apr_pool_t *pool)
{
    apr_status_t rv = oci_upload_blobs(upload)
                          ->provider->upload_resume(upload->writer,
                                                    upload->size,
                                                    upload->store);

    if (rv == APR_EOF) {
        return oci_upload_end_lost(upload, "fewer bytes than", pool);
    }
    return rv == APR_SUCCESS
        ? NULL
        : oci_upload_storage_error(upload, rv, "resume", pool);
}

/* Claim an upload of a remote store. */
static oci_error_t *claim_remote(oci_upload_t **upload, apr_pool_t *pool)
{
    oci_error_t *error = oci_upload_lease_take(upload, pool);

    if (!error) {
        error = open_writer(&(*upload)->writer, &(*upload)->claim, *upload,
                            pool);
    }
    return error ? error : resume(*upload, pool);
}

oci_error_t *oci_upload_claim(oci_upload_t **upload, apr_pool_t *pool)
{
    const oci_blob_store_provider_t *provider = oci_upload_blobs(*upload)
                                                    ->provider;
    oci_blob_writer_t *writer;
    apr_pool_t *claim;
    oci_error_t *error;

    if (provider->remote) {
        return claim_remote(upload, pool);
    }
    if ((error = open_writer(&writer, &claim, *upload, pool))) {
        return error;
    }
    if ((error = oci_upload_read(upload, pool))) {
        if (error->code == OCI_E_UPLOAD_UNKNOWN) {
            provider->upload_abort(writer);
        }
        apr_pool_destroy(claim);
        return error;
    }
    (*upload)->claim = claim;
    (*upload)->writer = writer;
    return resume(*upload, pool);
}

oci_error_t *oci_upload_begin_once(oci_upload_t **upload,
                                   const oci_repository_t *repository,
                                   oci_algorithm_e algorithm, apr_pool_t *pool)
{
    const oci_blob_store_provider_t *provider = repository->registry->blobs
                                                    ->provider;
    oci_error_t *error = oci_upload_begin(upload, repository, algorithm, pool);
    apr_status_t rv;

    if (!error) {
        (*upload)->single_request = 1;
        (*upload)->begun = apr_time_now();
        (*upload)->lease_pool = pool;
        error = open_writer(&(*upload)->writer, &(*upload)->claim, *upload,
                            pool);
    }
    if (error) {
        return error;
    }
    rv = provider->upload_resume((*upload)->writer, 0, NULL);
    if (rv == APR_SUCCESS) {
        return NULL;
    }
    provider->upload_abort((*upload)->writer);
    oci_upload_release(*upload);
    return oci_upload_storage_error(*upload, rv, "begin", pool);
}

void oci_upload_release(oci_upload_t *upload)
{
    if (!upload) {
        return;
    }
    if (upload->lease.token) {
        /* If this fails, the lease ends by itself. */
        oci_upload_lease_write(upload, NULL, 0, 0, upload->lease_pool);
        upload->lease.token = NULL;
    }
    if (upload->claim) {
        apr_pool_destroy(upload->claim);
        upload->claim = NULL;
        upload->writer = NULL;
    }
}
