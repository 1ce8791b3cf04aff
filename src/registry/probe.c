/* SPDX-License-Identifier: Apache-2.0 */

/* Finds out whether the stores of a registry work at present. */

#include "registry/keys.h"
#include "registry/pairing.h"
#include "registry/probe.h"
#include "registry/upload_id.h"

/* A fact with which garbage collection does nothing but remove it: the note
 * that a blob may be an orphan.  No blob has this digest. */
#define NO_BLOB                               \
    "sha256:00000000000000000000000000000000" \
    "00000000000000000000000000000000"

/* How many bytes to write to the blob store: what the smallest file takes. */
#define BYTES 4096

oci_error_t *oci_probe_index(const oci_registry_t *registry, int writes,
                             apr_pool_t *pool)
{
    apr_array_header_t *changes = oci_change_list_make(pool);
    const char *key = oci_key_orphan(pool, NO_BLOB);
    oci_error_t *error = oci_pairing_try_index(registry, pool);

    if (error || !writes) {
        return error;
    }
    oci_change_put(changes, OCI_CHANGE_PUT, key, NULL, 0);
    oci_change_delete(changes, key);
    return oci_facts_apply(registry, changes, 0, pool);
}

/* Write an upload of its own, and delete it. */
static oci_error_t *write_upload(const oci_registry_t *registry, const char *id,
                                 apr_pool_t *pool)
{
    static const char bytes[BYTES];
    const struct iovec vec = { (void *)bytes, sizeof(bytes) };
    oci_blob_store_t *blobs = registry->blobs;
    oci_blob_writer_t *writer;
    const char *state;
    apr_status_t aborted;
    apr_status_t rv = blobs->provider->upload_open(&writer, blobs, id, pool);

    if (rv == APR_SUCCESS) {
        rv = blobs->provider->upload_write(writer, &vec, 1);
        if (rv == APR_SUCCESS) {
            rv = blobs->provider->upload_close(&state, writer, 0, pool);
        }
        aborted = blobs->provider->upload_abort(writer);
        rv = rv == APR_SUCCESS ? aborted : rv;
    }
    return rv == APR_SUCCESS
        ? NULL
        : oci_error_storage(pool, rv, "cannot write to %s", blobs->where);
}

oci_error_t *oci_probe_blobs(const oci_registry_t *registry, int writes,
                             apr_pool_t *pool)
{
    const oci_repository_t repository = { registry, "health" };
    oci_error_t *error = oci_pairing_precheck(registry, pool);
    const char *id;

    if (!error && writes) {
        error = oci_upload_id_make(&id, &repository, OCI_SHA256, pool);
        error = error ? error : write_upload(registry, id, pool);
    }
    return error;
}

oci_error_t *oci_probe_presence(const oci_registry_t *registry,
                                apr_pool_t *pool)
{
    oci_blob_store_t *blobs = registry->blobs;
    const char *id;
    apr_status_t rv = blobs->provider->identity
        ? blobs->provider->identity(&id, blobs, 0, pool)
        : APR_SUCCESS;

    return rv == APR_SUCCESS || rv == APR_NOTFOUND
        ? NULL
        : oci_error_storage(pool, rv, "cannot read the id of %s", blobs->where);
}
