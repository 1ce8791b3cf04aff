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

/* Input: the record of an upload, as an index has it. */

#undef NDEBUG
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "apr_general.h"
#include "apr_strings.h"

#include "registry/upload.h"
#include "registry/upload_id.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The record at hand. */
static oci_value_t record;

static apr_status_t get(oci_value_t *value, oci_index_t *index,
                        const char *key, apr_pool_t *pool)
{
    (void)index;
    (void)key;
    value->data = apr_pstrmemdup(pool, record.data, record.size);
    value->size = record.size;
    return APR_SUCCESS;
}

/* Each id is good, so that no secret is asked for. */
oci_error_t *oci_upload_id_check(int *valid, oci_algorithm_e *algorithm,
                                 const oci_registry_t *registry,
                                 const char *name, const char *id,
                                 apr_pool_t *pool)
{
    (void)registry;
    (void)name;
    (void)id;
    (void)pool;
    *valid = 1;
    *algorithm = OCI_SHA256;
    return NULL;
}

oci_error_t *oci_upload_id_make(const char **id,
                                const oci_registry_t *registry,
                                const char *name, oci_algorithm_e algorithm,
                                apr_pool_t *pool)
{
    (void)registry;
    (void)name;
    (void)algorithm;
    (void)pool;
    *id = "id";
    return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const oci_index_provider_t provider = { .get = get };
    oci_index_t index;
    oci_blob_store_t blobs;
    oci_registry_t registry;
    oci_upload_t *upload;
    apr_pool_t *pool;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    memset(&index, 0, sizeof(index));
    memset(&blobs, 0, sizeof(blobs));
    memset(&registry, 0, sizeof(registry));
    index.provider = &provider;
    index.where = "here";
    blobs.where = "there";
    registry.index = &index;
    registry.blobs = &blobs;
    record.data = (const char *)data;
    record.size = size;
    if (!oci_upload_find(&upload, &registry, "name", "id", pool)) {
        assert(upload->size >= 0);
        oci_hash_update(upload->hash, "bytes", 5);
        assert(oci_digest_valid(oci_hash_digest(upload->hash, pool)));
    }
    apr_pool_destroy(pool);
    apr_terminate();
    return 0;
}
