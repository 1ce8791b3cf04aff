/* Licensed under the Apache License, Version 2.0 (the "License"); you may
 * not use this file except in compliance with the License.  You may obtain
 * a copy of the License at http://www.apache.org/licenses/LICENSE-2.0
 *
 * Unless required by applicable law or agreed to in writing, software
 * distributed under the License is distributed on an "AS IS" BASIS,
 * WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
 * See the License for the specific language governing permissions and
 * limitations under the License.
 */

#include <string.h>

#include "apr_strings.h"

#include "registry/blob.h"
#include "registry/keys.h"
#include "registry/pool.h"
#include "registry/upload.h"
#include "registry/upload_id.h"

/* The record of an upload, once it has bytes:
 *
 *   <algorithm>;<size>;<state of the hash>
 *
 * An empty record says that the upload is over.
 */

static const char *format_record(const oci_upload_t *upload,
                                 apr_pool_t *pool)
{
    oci_algorithm_e algorithm = oci_hash_algorithm(upload->hash);

    return apr_psprintf(pool, "%s;%" APR_OFF_T_FMT ";%s",
                        oci_algorithm_name(algorithm), upload->size,
                        oci_hash_save(upload->hash, pool));
}

static apr_status_t parse_record(oci_upload_t *upload, const char *text,
                                 apr_pool_t *pool)
{
    const char *size = strchr(text, ';');
    const char *state = size ? strchr(size + 1, ';') : NULL;
    oci_algorithm_e algorithm;
    char *end;

    if (!state
        || oci_algorithm_parse(&algorithm, apr_pstrmemdup(pool, text,
                                                          size - text))
        || apr_strtoff(&upload->size, size + 1, &end, 10) || end != state
        || upload->size < 0) {
        return APR_EINVAL;
    }
    return oci_hash_load(&upload->hash, algorithm, state + 1, pool);
}

/* The record is written whole, but never synced: after the machine's end an
 * older one is as good, since a claim drops what lies beyond it. */
static oci_error_t *put_record(const oci_upload_t *upload,
                               const oci_registry_t *registry,
                               const char *record, apr_pool_t *pool)
{
    apr_array_header_t *changes = oci_changes_make(pool);

    oci_change_put(changes, OCI_CHANGE_PUT, oci_key_upload(pool, upload->id),
                   record, strlen(record));
    return oci_facts_apply(registry, changes, 0, pool);
}

static oci_error_t *storage_error(const oci_upload_t *upload,
                                  const oci_registry_t *registry,
                                  apr_status_t rv, const char *what,
                                  apr_pool_t *pool)
{
    return oci_error_storage(pool, rv, "can't %s upload %s in %s", what,
                             upload->id, registry->blobs->where);
}

/* An upload that has no bytes yet. */
static oci_upload_t *make_upload(const char *name, const char *id,
                                 oci_algorithm_e algorithm, apr_pool_t *pool)
{
    oci_upload_t *upload = apr_pcalloc(pool, sizeof(*upload));

    upload->id = id;
    upload->name = name;
    upload->hash = oci_hash_make(algorithm, pool);
    return upload;
}

oci_error_t *oci_upload_begin(oci_upload_t **upload,
                              const oci_registry_t *registry,
                              const char *name, oci_algorithm_e algorithm,
                              apr_pool_t *pool)
{
    const char *id;
    oci_error_t *error = oci_upload_id_make(&id, registry, name, algorithm,
                                            pool);

    if (!error) {
        *upload = make_upload(name, id, algorithm, pool);
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
                                const oci_registry_t *registry,
                                const char *name, const char *id,
                                oci_algorithm_e algorithm, apr_pool_t *pool)
{
    const char *key = oci_key_upload(pool, id);
    oci_value_t value;
    oci_error_t *error = oci_fact_get(&value, registry, key, pool);
    apr_status_t rv;

    if (error) {
        return error;
    }
    if (value.data && !value.size) {
        return unknown(id, pool);
    }
    *upload = make_upload(name, id, algorithm, pool);
    if (value.data
        && (rv = parse_record(*upload, value.data, pool)) != APR_SUCCESS) {
        return oci_error_storage(pool, rv, "%s/%s is no record of an upload",
                                 registry->index->where, key);
    }
    return NULL;
}

oci_error_t *oci_upload_find(oci_upload_t **upload,
                             const oci_registry_t *registry,
                             const char *name, const char *id,
                             apr_pool_t *pool)
{
    oci_algorithm_e algorithm;
    int valid;
    oci_error_t *error = oci_upload_id_check(&valid, &algorithm, registry,
                                             name, id, pool);

    if (error) {
        return error;
    }
    return valid ? read_upload(upload, registry, name, id, algorithm, pool)
                 : unknown(id, pool);
}

/* An upload whose bytes went behind our back is over. */
static oci_error_t *lost(oci_upload_t *upload,
                         const oci_registry_t *registry, apr_pool_t *pool)
{
    oci_error_t *error = oci_upload_cancel(upload, registry, pool);

    if (!error) {
        error = oci_error_make(pool, OCI_E_UPLOAD_UNKNOWN, "upload",
                               upload->id, "the upload's bytes were lost; "
                               "begin a new one");
        error->note = apr_psprintf(pool, "upload %s in %s had fewer bytes "
                                   "than the %" APR_OFF_T_FMT " that were "
                                   "written", upload->id,
                                   registry->blobs->where, upload->size);
    }
    return error;
}

oci_error_t *oci_upload_claim(oci_upload_t **upload,
                              const oci_registry_t *registry,
                              apr_pool_t *pool)
{
    oci_blob_store_t *store = registry->blobs;
    oci_blob_writer_t *writer;
    oci_error_t *error;
    apr_pool_t *claim;
    apr_status_t rv;

    rv = oci_pool_make(&claim, pool);
    if (rv != APR_SUCCESS) {
        return storage_error(*upload, registry, rv, "claim", pool);
    }
    rv = store->provider->upload_open(&writer, store, (*upload)->id, claim);
    if (rv == APR_EBUSY) {
        return oci_error_make(pool, OCI_E_UPLOAD_RANGE, "upload",
                              (*upload)->id, "another request is writing to "
                              "this upload");
    }
    if (rv != APR_SUCCESS) {
        return storage_error(*upload, registry, rv, "open", pool);
    }
    error = read_upload(upload, registry, (*upload)->name, (*upload)->id,
                        oci_hash_algorithm((*upload)->hash), pool);
    if (error) {
        if (error->code == OCI_E_UPLOAD_UNKNOWN) {
            store->provider->upload_abort(writer);
        }
        apr_pool_destroy(claim);
        return error;
    }
    (*upload)->claim = claim;
    (*upload)->writer = writer;
    rv = store->provider->upload_resume(writer, (*upload)->size);
    if (rv == APR_EOF) {
        return lost(*upload, registry, pool);
    }
    if (rv != APR_SUCCESS) {
        return storage_error(*upload, registry, rv, "resume", pool);
    }
    return NULL;
}

void oci_upload_release(oci_upload_t *upload)
{
    if (upload && upload->claim) {
        apr_pool_destroy(upload->claim);
        upload->claim = NULL;
        upload->writer = NULL;
    }
}

oci_error_t *oci_upload_rehash(oci_upload_t *upload,
                               const oci_registry_t *registry,
                               oci_algorithm_e algorithm, apr_pool_t *pool)
{
    oci_hash_t *hash = upload->hash;
    apr_size_t length;
    apr_off_t offset;
    char *buffer;

    if (oci_hash_algorithm(hash) == algorithm) {
        return NULL;
    }
    hash = oci_hash_make(algorithm, pool);
    buffer = upload->size ? apr_palloc(pool, 128 * 1024) : NULL;
    for (offset = 0; offset < upload->size; offset += length) {
        apr_status_t rv;

        length = (apr_size_t)(upload->size - offset < 128 * 1024
                              ? upload->size - offset : 128 * 1024);
        rv = registry->blobs->provider->upload_read(upload->writer, offset,
                                                    buffer, &length);
        if (rv != APR_SUCCESS || !length) {
            return storage_error(upload, registry, rv, "read", pool);
        }
        oci_hash_update(hash, buffer, length);
    }
    upload->hash = hash;
    return NULL;
}

oci_error_t *oci_upload_write(oci_upload_t *upload,
                              const oci_registry_t *registry,
                              const struct iovec *vec, int n,
                              apr_pool_t *pool)
{
    apr_status_t rv = registry->blobs->provider->upload_write(
                          upload->writer, vec, n);
    int i;

    if (rv != APR_SUCCESS) {
        return storage_error(upload, registry, rv, "write to", pool);
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
static oci_error_t *fail_to_sync(oci_upload_t *upload,
                                 const oci_registry_t *registry,
                                 apr_status_t rv, apr_pool_t *pool)
{
    oci_error_t *error = storage_error(upload, registry, rv, "sync", pool);

    registry->blobs->provider->upload_abort(upload->writer);
    put_record(upload, registry, "", pool);
    return error;
}

oci_error_t *oci_upload_save(oci_upload_t *upload,
                             const oci_registry_t *registry,
                             apr_pool_t *pool)
{
    apr_status_t rv = registry->blobs->provider->upload_close(
                          upload->writer, registry->durable);

    if (rv != APR_SUCCESS) {
        return fail_to_sync(upload, registry, rv, pool);
    }
    return put_record(upload, registry, format_record(upload, pool), pool);
}

oci_error_t *oci_upload_finish(oci_upload_t *upload,
                               const oci_registry_t *registry,
                               const char *digest, apr_pool_t *pool)
{
    const oci_blob_store_provider_t *provider = registry->blobs->provider;
    oci_blob_t blob = { digest, upload->size, NULL };
    const char *actual = oci_hash_digest(upload->hash, pool);
    oci_error_t *error;
    apr_status_t rv;

    if (strcmp(actual, digest)) {
        return oci_error_make(pool, OCI_E_DIGEST_INVALID, "digest", digest,
                              "the digest of the %" APR_OFF_T_FMT " bytes "
                              "received is %s", upload->size, actual);
    }
    rv = provider->upload_close(upload->writer, registry->durable);
    if (rv != APR_SUCCESS) {
        return fail_to_sync(upload, registry, rv, pool);
    }
    rv = provider->upload_commit(&blob.locator, upload->writer, digest,
                                 registry->durable, pool);
    if (rv != APR_SUCCESS) {
        return storage_error(upload, registry, rv,
                             apr_psprintf(pool, "make %s of", digest), pool);
    }
    if ((error = oci_blob_enter(registry, &blob, upload->name, pool))) {
        return error;
    }
    return oci_upload_cancel(upload, registry, pool);
}

oci_error_t *oci_upload_cancel(oci_upload_t *upload,
                               const oci_registry_t *registry,
                               apr_pool_t *pool)
{
    oci_error_t *error = put_record(upload, registry, "", pool);
    apr_status_t rv;

    if (error) {
        return error;
    }
    rv = registry->blobs->provider->upload_abort(upload->writer);
    if (rv != APR_SUCCESS) {
        return storage_error(upload, registry, rv, "remove", pool);
    }
    return NULL;
}
