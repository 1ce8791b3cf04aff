/* SPDX-License-Identifier: Apache-2.0 */

/* The size of an image, with everything that it names.  Indexes are read level
 * by level, and each manifest once, because indexes can name each other in many
 * ways. */

#include <stdlib.h>
#include <string.h>

#include "apr_strings.h"

#include "admin/look/image_size.h"

/* How many levels of indexes are read. */
#define LEVELS 16

/* Something that is named. */
typedef struct part_t {
    const char *digest;
    apr_uint64_t size; /* bytes */
    int level;         /* at which it is named */
    int is_manifest;   /* or may be one */
} part_t;

/* By digest, then by level. */
static int compare_parts(const void *left, const void *right)
{
    const part_t *one = left, *other = right;
    int order = strcmp(one->digest, other->digest);

    return order ? order : one->level - other->level;
}

static void add_children(apr_array_header_t *parts,
                         const oci_document_t *document, int level)
{
    int i;

    for (i = 0; i < document->children->nelts; i++) {
        const oci_child_t *child = &APR_ARRAY_IDX(document->children, i,
                                                  oci_child_t);
        part_t *part = apr_array_push(parts);

        part->digest = apr_pstrdup(parts->pool, child->descriptor.digest);
        part->size = child->descriptor.size;
        part->level = level;
        part->is_manifest = child->kind == OCI_CHILD_MANIFEST;
    }
}

/* Keep each digest once, where it is named first. */
static void drop_duplicates(apr_array_header_t *parts)
{
    part_t *all = (part_t *)parts->elts;
    int kept = 0, i;

    qsort(all, parts->nelts, sizeof(*all), compare_parts);
    for (i = 0; i < parts->nelts; i++) {
        if (!kept || strcmp(all[kept - 1].digest, all[i].digest)) {
            all[kept++] = all[i];
        }
    }
    parts->nelts = kept;
}

/* Add what a manifest of the repository names; nothing if there is no such
 * manifest, or if it is damaged. */
static oci_error_t *add_named(apr_array_header_t *parts,
                              const oci_repository_t *repository,
                              const char *digest, int level, apr_pool_t *pool)
{
    oci_manifest_t manifest;
    oci_document_t *document;
    oci_error_t *error = oci_manifest_get(&manifest, repository, digest, pool);

    if (error) {
        return error->code == OCI_E_MANIFEST_UNKNOWN ? NULL : error;
    }
    if (!oci_document_parse(&document, manifest.media_type, manifest.data,
                            manifest.size, pool)) {
        add_children(parts, document, level);
    }
    return NULL;
}

/* Read the manifests that were named at the level above this one.
 * *found: set to whether there are any */
static oci_error_t *read_level(int *found, apr_array_header_t *parts,
                               const oci_repository_t *repository, int level,
                               apr_pool_t *scratch)
{
    oci_error_t *error = NULL;
    int count = parts->nelts, i;

    *found = 0;
    for (i = 0; i < count && !error; i++) {
        const part_t *part = &APR_ARRAY_IDX(parts, i, part_t);

        if (part->is_manifest && part->level == level - 1) {
            *found = 1;
            error = add_named(parts, repository, part->digest, level, scratch);
            if (!error) {
                apr_pool_clear(scratch);
            }
        }
    }
    drop_duplicates(parts);
    return error;
}

oci_error_t *oci_image_size(apr_uint64_t *bytes,
                            const oci_repository_t *repository,
                            const oci_manifest_t *manifest,
                            const oci_document_t *document, apr_pool_t *pool)
{
    apr_array_header_t *parts = apr_array_make(pool, 16, sizeof(part_t));
    oci_error_t *error = NULL;
    apr_pool_t *scratch;
    apr_status_t rv = apr_pool_create(&scratch, pool);
    int found = 1, level, i;

    if (rv != APR_SUCCESS) {
        return oci_error_storage(pool, rv, "cannot read an image");
    }
    add_children(parts, document, 1);
    drop_duplicates(parts);
    for (level = 2; level <= LEVELS && found && !error; level++) {
        error = read_level(&found, parts, repository, level, scratch);
    }
    *bytes = manifest->size;
    for (i = 0; i < parts->nelts; i++) {
        *bytes += APR_ARRAY_IDX(parts, i, part_t).size;
    }
    if (!error) {
        apr_pool_destroy(scratch);
    }
    return error;
}
