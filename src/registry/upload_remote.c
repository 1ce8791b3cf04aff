/* SPDX-License-Identifier: Apache-2.0 */

/* Makes a blob of an upload in a remote store.
 *
 * No lock is held while the bytes are sent: nobody else knows their locator,
 * and garbage collection lets young bytes be.  What a record of the upload
 * leads to may become the blob as it is.  The record then says so before:
 * "finishing". From then on nobody adds to these bytes, and no request that
 * finds this in the record deletes them, whatever becomes of the request that
 * wrote it. */

#include <string.h>

#include "apr_strings.h"

#include "registry/blob_add.h"
#include "registry/blob_source.h"
#include "registry/keys.h"
#include "registry/upload_lease.h"
#include "registry/upload_remote.h"
#include "registry/upload_state.h"

oci_error_t *oci_upload_refuse_digest(const oci_upload_t *upload,
                                      const char *digest, const char *actual,
                                      apr_pool_t *pool)
{
    return oci_error_make(pool, OCI_E_DIGEST_INVALID, "digest", digest,
                          "the digest of the %" APR_OFF_T_FMT " bytes "
                          "received is %s",
                          upload->size, actual);
}

/* Have the store discard the bytes that no record names.  If that fails,
 * garbage collection finds them. */
static void discard_unsaved(oci_upload_t *upload)
{
    const oci_blob_store_provider_t *provider = oci_upload_blobs(upload)
                                                    ->provider;

    if (upload->size > upload->saved_size) {
        provider->upload_resume(upload->writer, upload->saved_size,
                                upload->store);
    }
}

/* Before what a record leads to becomes a blob, write that into the record. */
static oci_error_t *begin_commit(oci_upload_t *upload, const char *digest,
                                 apr_pool_t *pool)
{
    if (upload->single_request) {
        return oci_upload_lease_renew(upload, pool);
    }
    if (!upload->lease.token) {
        return NULL;
    }
    if (!upload->size || upload->size > upload->saved_size) {
        return oci_upload_lease_write(upload, NULL, 1, 0, pool);
    }
    upload->finishing = digest;
    return oci_upload_save_record(upload, 1, pool);
}

/* Whether garbage collection may be about to delete bytes: it knows for some
 * time that no record names them. */
static oci_error_t *is_stray(int *stray, const oci_upload_t *upload,
                             const char *locator, apr_pool_t *pool)
{
    return oci_fact_exists(stray, upload->repository.registry,
                           oci_key_stray(pool,
                                         oci_blob_locator_hash(locator, pool)),
                           pool);
}

/* Read a blob, and compare its digest.
 * own: whether this request has made it: then wrong bytes are deleted */
static oci_error_t *verify_blob(oci_upload_t *upload, const oci_blob_t *blob,
                                int own, apr_pool_t *pool)
{
    oci_blob_store_t *store = oci_upload_blobs(upload);
    const char *actual;
    apr_status_t rv = oci_blob_hash(&actual, store, blob, pool);

    if (rv != APR_SUCCESS) {
        return oci_upload_storage_error(upload, rv, "read the blob of", pool);
    }
    if (!strcmp(actual, blob->digest)) {
        return oci_upload_lease_renew(upload, pool);
    }
    if (own) {
        store->provider->blob_delete(store, blob->locator, NULL, pool);
    }
    upload->keep = !own;
    oci_upload_end(upload, pool);
    return oci_upload_refuse_digest(upload, blob->digest, actual, pool);
}

/* Enter the blob of a commit.
 * own: whether this request has made it */
static oci_error_t *enter(oci_upload_t *upload, const oci_blob_t *blob, int own,
                          apr_pool_t *pool)
{
    oci_blob_store_t *store = oci_upload_blobs(upload);
    oci_error_t *error;
    int spare, stray = 0;

    if (!own) {
        error = is_stray(&stray, upload, blob->locator, pool);
        if (error || stray) {
            upload->keep = 1;
            return error ? error
                         : oci_upload_end_lost(upload, "by now none of", pool);
        }
    }
    error = oci_blob_enter(&spare, &upload->repository, blob, pool);
    if (!error && spare && own) {
        store->provider->blob_delete(store, blob->locator, NULL, pool);
    }
    return error;
}

oci_error_t *oci_upload_commit_remote(oci_upload_t *upload, const char *digest,
                                      apr_pool_t *pool)
{
    oci_blob_store_t *store = oci_upload_blobs(upload);
    const char *actual = oci_hash_digest(upload->hash, pool);
    oci_blob_t blob = { .digest = digest, .size = upload->size };
    int late = oci_digest_algorithm(digest) != oci_hash_algorithm(upload->hash);
    oci_error_t *error;
    apr_status_t rv;
    int own;

    if (!late && strcmp(actual, digest)) {
        discard_unsaved(upload);
        return oci_upload_refuse_digest(upload, digest, actual, pool);
    }
    if (upload->finishing && strcmp(upload->finishing, digest)) {
        return oci_error_make(pool, OCI_E_UPLOAD_INVALID, "digest", digest,
                              "a request has begun to finish this upload with "
                              "the digest %s: repeat it, or begin a new upload",
                              upload->finishing);
    }
    if ((error = begin_commit(upload, digest, pool))) {
        return error;
    }
    rv = store->provider->upload_commit(&blob.locator, upload->writer, digest,
                                        1, pool);
    if (rv == APR_EOF) {
        return oci_upload_end_lost(upload, "fewer bytes than", pool);
    }
    if (rv != APR_SUCCESS && rv != APR_EEXIST) {
        return oci_upload_storage_error(upload, rv,
                                        apr_psprintf(pool, "make blob %s from",
                                                     digest),
                                        pool);
    }
    own = rv == APR_SUCCESS && !upload->keep;
    if (late || rv == APR_EEXIST) {
        error = verify_blob(upload, &blob, own, pool);
    }
    return error ? error : enter(upload, &blob, own, pool);
}
