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

#include "apr_general.h"
#include "apr_lib.h"
#include "apr_strings.h"
#include "apr_time.h"

#include "registry/blob.h"
#include "registry/keys.h"
#include "registry/upload.h"

/* The record of an upload:
 *
 *   <repository>;<algorithm>;<size>;<begun, seconds>;<state of the hash>
 */

static const char *format_record(const oci_upload_t *upload,
                                 apr_pool_t *pool)
{
    oci_algorithm_e algorithm = oci_hash_algorithm(upload->hash);

    return apr_psprintf(pool, "%s;%s;%" APR_OFF_T_FMT ";%" APR_TIME_T_FMT
                        ";%s", upload->name, oci_algorithm_name(algorithm),
                        upload->size, apr_time_sec(upload->begun),
                        oci_hash_save(upload->hash, pool));
}

static apr_status_t parse_record(oci_upload_t *upload, const char *text,
                                 apr_pool_t *pool)
{
    char *fields[5];
    char *state;
    oci_algorithm_e algorithm;
    int i;

    fields[0] = apr_strtok(apr_pstrdup(pool, text), ";", &state);
    for (i = 1; i < 5 && fields[i - 1]; i++) {
        fields[i] = apr_strtok(NULL, ";", &state);
    }
    if (i < 5 || !fields[4]
        || oci_algorithm_parse(&algorithm, fields[1]) != APR_SUCCESS
        || apr_strtoff(&upload->size, fields[2], NULL, 10) != APR_SUCCESS) {
        return APR_EINVAL;
    }
    upload->name = fields[0];
    upload->begun = apr_time_from_sec(apr_atoi64(fields[3]));
    return oci_hash_load(&upload->hash, algorithm, fields[4], pool);
}

/* An id is what a version 4 UUID (RFC 9562) looks like. */
#define ID_LENGTH 36

static int id_valid(const char *id)
{
    int i;

    for (i = 0; id[i]; i++) {
        if (!apr_isdigit(id[i]) && !(id[i] >= 'a' && id[i] <= 'f')
            && id[i] != '-') {
            return 0;
        }
    }
    return i == ID_LENGTH;
}

static oci_error_t *make_id(const char **id, apr_pool_t *pool)
{
    unsigned char b[16];
    apr_status_t rv = apr_generate_random_bytes(b, sizeof(b));

    if (rv != APR_SUCCESS) {
        return oci_error_storage(pool, rv, "can't read random bytes");
    }
    b[6] = (b[6] & 0x0f) | 0x40;
    b[8] = (b[8] & 0x3f) | 0x80;
    *id = apr_psprintf(pool, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-"
                       "%02x%02x%02x%02x%02x%02x", b[0], b[1], b[2], b[3],
                       b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11],
                       b[12], b[13], b[14], b[15]);
    return NULL;
}

/* The record is written whole, but never synced: after the machine's end an
 * older one is as good, since a claim drops what lies beyond it. */
static oci_error_t *put_record(const oci_upload_t *upload,
                               const oci_registry_t *registry,
                               oci_change_e kind, apr_pool_t *pool)
{
    apr_array_header_t *changes = oci_changes_make(pool);
    const char *record = format_record(upload, pool);

    oci_change_put(changes, kind, oci_key_upload(pool, upload->id), record,
                   strlen(record));
    return oci_facts_apply(registry, changes, 0, pool);
}

static oci_error_t *delete_record(const oci_upload_t *upload,
                                  const oci_registry_t *registry,
                                  apr_pool_t *pool)
{
    apr_array_header_t *changes = oci_changes_make(pool);

    oci_change_delete(changes, oci_key_upload(pool, upload->id));
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

oci_error_t *oci_upload_begin(oci_upload_t **upload,
                              const oci_registry_t *registry,
                              const char *name, oci_algorithm_e algorithm,
                              apr_pool_t *pool)
{
    oci_error_t *error;

    *upload = apr_pcalloc(pool, sizeof(**upload));
    if ((error = make_id(&(*upload)->id, pool))) {
        return error;
    }
    (*upload)->name = name;
    (*upload)->begun = apr_time_now();
    (*upload)->hash = oci_hash_make(algorithm, pool);
    return put_record(*upload, registry, OCI_CHANGE_ADD, pool);
}

oci_error_t *oci_upload_find(oci_upload_t **upload,
                             const oci_registry_t *registry,
                             const char *name, const char *id,
                             apr_pool_t *pool)
{
    oci_value_t value = { NULL, 0 };
    const char *key;
    oci_error_t *error;
    apr_status_t rv;

    if (id_valid(id)) {
        key = oci_key_upload(pool, id);
        if ((error = oci_fact_get(&value, registry, key, pool))) {
            return error;
        }
    }
    if (value.data) {
        *upload = apr_pcalloc(pool, sizeof(**upload));
        (*upload)->id = id;
        rv = parse_record(*upload, value.data, pool);
        if (rv != APR_SUCCESS) {
            return oci_error_storage(pool, rv, "%s/%s is no record of an "
                                     "upload", registry->index->where, key);
        }
    }
    if (!value.data || strcmp((*upload)->name, name)) {
        return oci_error_make(pool, OCI_E_UPLOAD_UNKNOWN, "upload", id,
                              "the repository has no such upload; it may "
                              "be finished, cancelled or expired");
    }
    return NULL;
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

    apr_pool_create(&claim, pool);
    rv = store->provider->upload_open(&writer, store, (*upload)->id, claim);
    if (rv == APR_EBUSY) {
        return oci_error_make(pool, OCI_E_UPLOAD_RANGE, "upload",
                              (*upload)->id, "another request is writing to "
                              "this upload");
    }
    if (rv != APR_SUCCESS) {
        return storage_error(*upload, registry, rv, "open", pool);
    }
    error = oci_upload_find(upload, registry, (*upload)->name, (*upload)->id,
                            pool);
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
    apr_status_t rv = registry->blobs->provider->upload_write(upload->writer,
                                                              vec, n);
    int i;

    if (rv != APR_SUCCESS) {
        return storage_error(upload, registry, rv, "write to", pool);
    }
    for (i = 0; i < n; i++) {
        oci_hash_update(upload->hash, vec[i].iov_base, vec[i].iov_len);
        upload->size += vec[i].iov_len;
    }
    return NULL;
}

oci_error_t *oci_upload_save(oci_upload_t *upload,
                             const oci_registry_t *registry,
                             apr_pool_t *pool)
{
    apr_status_t rv = registry->blobs->provider->upload_close(
                          upload->writer, registry->durable);

    if (rv != APR_SUCCESS) {
        return storage_error(upload, registry, rv, "sync", pool);
    }
    return put_record(upload, registry, OCI_CHANGE_PUT, pool);
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
    if (rv == APR_SUCCESS) {
        rv = provider->upload_commit(&blob.locator, upload->writer, digest,
                                     registry->durable, pool);
    }
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
    oci_error_t *error = delete_record(upload, registry, pool);
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
