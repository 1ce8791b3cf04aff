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

#include "apr_hash.h"
#include "apr_strings.h"

#include "registry/blob.h"
#include "registry/children.h"
#include "registry/manifest.h"

/* One document's check. */
typedef struct check_t {
    const oci_registry_t *registry;
    const char *name;
    apr_hash_t *manifests;     /* digest: apr_off_t, of what was looked at */
    apr_hash_t *blobs;
    apr_pool_t *pool;
    apr_pool_t *scratch;       /* of one child: a manifest is read whole */
} check_t;

/* The size of a child, or -1 where the repository lacks it. */
static oci_error_t *child_size(apr_off_t *size,
                               const oci_registry_t *registry,
                               const char *name, const oci_child_t *child,
                               apr_pool_t *pool)
{
    const char *digest = child->descriptor.digest;
    oci_manifest_t manifest;
    oci_blob_t blob;
    oci_error_t *error;

    *size = -1;
    if (child->kind == OCI_CHILD_MANIFEST) {
        error = oci_manifest_get(&manifest, registry, name, digest, pool);
        if (!error) {
            *size = manifest.size;
            return NULL;
        }
        if (error->code != OCI_E_MANIFEST_UNKNOWN) {
            return error;
        }
    }
    error = oci_blob_stat(&blob, registry, name, digest, pool);
    if (!error) {
        *size = blob.size;
    }
    return error && error->code != OCI_E_BLOB_UNKNOWN ? error : NULL;
}

/* The size of a child, which is looked at once however often it is named. */
static oci_error_t *find_size(apr_off_t *size, const check_t *check,
                              const oci_child_t *child)
{
    const char *digest = child->descriptor.digest;
    apr_hash_t *sizes = child->kind == OCI_CHILD_MANIFEST ? check->manifests
                                                          : check->blobs;
    const apr_off_t *known = apr_hash_get(sizes, digest, APR_HASH_KEY_STRING);
    oci_error_t *error;

    if (known) {
        *size = *known;
        return NULL;
    }
    apr_pool_clear(check->scratch);
    error = child_size(size, check->registry, check->name, child,
                       check->scratch);
    if (!error) {
        apr_hash_set(sizes, digest, APR_HASH_KEY_STRING,
                     apr_pmemdup(check->pool, size, sizeof(*size)));
    }
    return error;
}

static int may_be_absent(const oci_registry_t *registry,
                         const oci_child_t *child)
{
    switch (registry->sparse) {
    case OCI_SPARSE_ALL:
        return 1;
    case OCI_SPARSE_INDEX:
        return child->kind != OCI_CHILD_BLOB;
    default:
        return child->kind == OCI_CHILD_OPTIONAL;
    }
}

oci_error_t *oci_children_check(const oci_registry_t *registry,
                                const char *name,
                                const oci_document_t *document,
                                apr_pool_t *pool)
{
    check_t check = { registry, name, apr_hash_make(pool),
                      apr_hash_make(pool), pool, NULL };
    oci_error_t *missing = NULL;
    oci_error_t **last = &missing;
    apr_status_t rv = apr_pool_create(&check.scratch, pool);
    int i;

    if (rv != APR_SUCCESS) {
        return oci_error_storage(pool, rv, "can't check what a manifest "
                                 "names");
    }
    for (i = 0; i < document->children->nelts; i++) {
        const oci_child_t *child = &APR_ARRAY_IDX(document->children, i,
                                                  oci_child_t);
        const oci_descriptor_t *descriptor = &child->descriptor;
        oci_error_t *error;
        apr_off_t size;

        error = find_size(&size, &check, child);
        if (error) {
            return error;
        }
        if (size < 0 && !may_be_absent(registry, child)) {
            *last = oci_error_make(pool, OCI_E_MANIFEST_BLOB_UNKNOWN,
                                   "digest", descriptor->digest,
                                   "the manifest names content that the "
                                   "repository does not hold");
            last = &(*last)->next;
        }
        if (size >= 0 && size != descriptor->size) {
            return oci_error_make(pool, OCI_E_MANIFEST_INVALID, "digest",
                                  descriptor->digest, "a descriptor says %"
                                  APR_OFF_T_FMT " bytes where the content "
                                  "has %" APR_OFF_T_FMT, descriptor->size,
                                  size);
        }
    }
    return missing;
}
