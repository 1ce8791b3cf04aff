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

#include "registry/blob.h"
#include "registry/children.h"
#include "registry/manifest.h"

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
    oci_error_t *missing = NULL;
    oci_error_t **last = &missing;
    int i;

    for (i = 0; i < document->children->nelts; i++) {
        const oci_child_t *child = &APR_ARRAY_IDX(document->children, i,
                                                  oci_child_t);
        const oci_descriptor_t *descriptor = &child->descriptor;
        oci_error_t *error;
        apr_off_t size;

        error = child_size(&size, registry, name, child, pool);
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
