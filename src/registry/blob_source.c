/* SPDX-License-Identifier: Apache-2.0 */

/* Reads the bytes of a blob, whether its store has files or streams. */

#include "registry/blob_source.h"
#include "values/digest.h"

#define BUFFER_SIZE (128 * 1024)

apr_status_t oci_blob_source_read(const oci_blob_source_t *source,
                                  apr_off_t offset, char *buffer,
                                  apr_size_t *length)
{
    apr_status_t rv;

    if (source->stream) {
        return source->stream->read(source->stream, offset,
                                    source->until ? source->until
                                                  : source->size,
                                    buffer, length);
    }
    rv = apr_file_seek(source->file, APR_SET, &offset);
    if (rv == APR_SUCCESS) {
        rv = apr_file_read(source->file, buffer, length);
    }
    if (APR_STATUS_IS_EOF(rv)) {
        *length = 0;
        return APR_SUCCESS;
    }
    return rv;
}

apr_status_t oci_blob_hash(const char **actual, oci_blob_store_t *store,
                           const oci_blob_t *blob, apr_pool_t *pool)
{
    oci_blob_source_t source = { 0 };
    oci_hash_t *hash = oci_hash_make(oci_digest_algorithm(blob->digest), pool);
    char *buffer = apr_palloc(pool, BUFFER_SIZE);
    apr_status_t rv = store->provider->blob_open(&source, store, blob->locator,
                                                 0, pool);
    apr_size_t length = 1;
    apr_off_t at;

    for (at = 0; rv == APR_SUCCESS && length; at += length) {
        length = BUFFER_SIZE;
        rv = oci_blob_source_read(&source, at, buffer, &length);
        if (rv == APR_SUCCESS) {
            oci_hash_update(hash, buffer, length);
        }
    }
    if (rv == APR_SUCCESS) {
        *actual = oci_hash_digest(hash, pool);
    }
    return rv;
}
