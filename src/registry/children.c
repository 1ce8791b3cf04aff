/* SPDX-License-Identifier: Apache-2.0 */

/* Checks that a repository holds the content that a manifest names. */

#include <stdlib.h>
#include <string.h>

#include "apr_strings.h"

#include "registry/blob.h"
#include "registry/children.h"
#include "registry/keys.h"
#include "registry/manifest.h"

/* Find the size of a child in bytes, or -1 if the repository does not hold
 * it, and add the change that releases it if it is to be collected.  A child of
 * an index may also be stored as a blob. */
static oci_error_t *child_size(apr_off_t *size, apr_array_header_t *released,
                               const oci_repository_t *repository,
                               const oci_child_t *child, apr_pool_t *pool)
{
    const char *digest = child->descriptor.digest;
    oci_manifest_t manifest;
    oci_blob_t blob;
    oci_error_t *error;

    *size = -1;
    if (child->kind == OCI_CHILD_MANIFEST) {
        error = oci_manifest_get(&manifest, repository, digest, pool);
        if (!error) {
            *size = manifest.size;
            return oci_manifest_add_release(released, repository, digest, pool);
        }
        if (error->code != OCI_E_MANIFEST_UNKNOWN) {
            return error;
        }
    }
    error = oci_blob_stat(&blob, repository, digest, pool);
    if (!error) {
        *size = blob.size;
        if (blob.condemned) {
            oci_change_put(released, OCI_CHANGE_PUT,
                           oci_key_held(released->pool, repository->name,
                                        digest),
                           NULL, 0);
        }
    }
    return error && error->code != OCI_E_BLOB_UNKNOWN ? error : NULL;
}

/* Whether a child is looked up as a manifest first. */
static int is_manifest(const oci_child_t *child)
{
    return child->kind == OCI_CHILD_MANIFEST;
}

/* Children are equal if their look-up is the same. */
static int compare_children(const void *left, const void *right)
{
    const oci_child_t *one = *(const oci_child_t *const *)left;
    const oci_child_t *other = *(const oci_child_t *const *)right;
    int order = is_manifest(one) - is_manifest(other);

    return order ? order
                 : strcmp(one->descriptor.digest, other->descriptor.digest);
}

/* Find the sizes of all children.  A child that the document names several
 * times is looked up once.  Duplicates are found by sorting: a client could
 * choose digests that collide in a hash table, but it cannot make sorting
 * slow. */
static oci_error_t *find_sizes(apr_off_t *sizes, apr_array_header_t *released,
                               const oci_repository_t *repository,
                               const apr_array_header_t *children,
                               apr_pool_t *pool)
{
    const oci_child_t *first = (const oci_child_t *)children->elts;
    const oci_child_t **sorted = apr_palloc(pool,
                                            children->nelts * sizeof(*sorted));
    oci_error_t *error = NULL;
    apr_pool_t *scratch; /* for one child: a manifest is read completely */
    apr_status_t rv = apr_pool_create(&scratch, pool);
    int i;

    if (rv != APR_SUCCESS) {
        return oci_error_storage(pool, rv,
                                 "cannot check the content that a manifest "
                                 "names");
    }
    for (i = 0; i < children->nelts; i++) {
        sorted[i] = &first[i];
        sizes[i] = -1;
    }
    qsort(sorted, children->nelts, sizeof(*sorted), compare_children);
    for (i = 0; i < children->nelts && !error; i++) {
        apr_off_t *size = &sizes[sorted[i] - first];

        if (i && !compare_children(&sorted[i], &sorted[i - 1])) {
            *size = sizes[sorted[i - 1] - first];
            continue;
        }
        error = child_size(size, released, repository, sorted[i], scratch);
        if (error) {
            break;
        }
        apr_pool_clear(scratch);
        if (*size >= 0 && *size != sorted[i]->descriptor.size) {
            break; /* a wrong size is an error whatever the others have */
        }
    }
    return error;
}

int oci_child_may_be_absent(const oci_registry_t *registry,
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

oci_error_t *oci_children_check(apr_array_header_t *released,
                                const oci_repository_t *repository,
                                const oci_document_t *document,
                                apr_pool_t *pool)
{
    const apr_array_header_t *children = document->children;
    apr_off_t *sizes = apr_palloc(pool, children->nelts * sizeof(*sizes));
    oci_error_t *missing = NULL;
    oci_error_t **last = &missing;
    oci_error_t *error = find_sizes(sizes, released, repository, children,
                                    pool);
    int i;

    if (error) {
        return error;
    }
    for (i = 0; i < children->nelts; i++) {
        const oci_child_t *child = &APR_ARRAY_IDX(children, i, oci_child_t);
        const oci_descriptor_t *descriptor = &child->descriptor;
        apr_off_t size = sizes[i];

        if (size < 0 && !oci_child_may_be_absent(repository->registry, child)) {
            *last = oci_error_make(pool, OCI_E_MANIFEST_BLOB_UNKNOWN, "digest",
                                   descriptor->digest,
                                   "the manifest names content that the "
                                   "repository does not hold");
            last = &(*last)->next;
        }
        if (size >= 0 && size != descriptor->size) {
            return oci_error_make(
                pool, OCI_E_MANIFEST_INVALID, "digest", descriptor->digest,
                "a descriptor states a size of %" APR_OFF_T_FMT
                " bytes, but the content has %" APR_OFF_T_FMT,
                descriptor->size, size);
        }
    }
    return missing;
}
