/* SPDX-License-Identifier: Apache-2.0 */

/* The size of an image, with everything that it names.  Indexes are read level
 * by level, and each manifest once, because indexes can name each other in many
 * ways. */

#include <stdlib.h>
#include <string.h>

#include "apr_strings.h"

#include "registry/image_size.h"

/* How many levels of indexes are read. */
#define LEVELS 16

/* Something that is named. */
typedef struct part_t {
    const char *digest;
    apr_int64_t size; /* bytes */
    int level;        /* at which it is named */
    int is_manifest;  /* or may be one */
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

/* The parts of an image that are found. */
typedef struct image_t {
    const oci_repository_t *repository;
    oci_image_size_t *size;
    apr_array_header_t *parts; /* part_t */
    apr_pool_t *scratch;       /* for one manifest */
} image_t;

int oci_reading_may_go_on(const oci_reading_t *reading, const char *digest)
{
    return !reading
        || (reading->manifests > 0 && reading->bytes > 0
            && (!reading->may_read
                || reading->may_read(reading->baton, digest)));
}

void oci_reading_count(oci_reading_t *reading, apr_size_t size)
{
    if (reading) {
        reading->manifests--;
        reading->bytes -= (apr_int64_t)size;
    }
}

/* Add what a manifest of the repository names; nothing if it is not there, is
 * damaged or may not be read. */
static oci_error_t *add_named(image_t *image, const char *digest, int level)
{
    oci_reading_t *reading = image->size->reading;
    oci_manifest_t manifest = { 0 };
    oci_document_t *document;
    oci_error_t *error;

    if (!oci_reading_may_go_on(reading, digest)) {
        image->size->incomplete = 1;
        return NULL;
    }
    error = oci_manifest_get(&manifest, image->repository, digest,
                             image->scratch);
    if (error && error->code != OCI_E_MANIFEST_UNKNOWN) {
        return error;
    }
    oci_reading_count(reading, manifest.size);
    if (!error
        && !oci_document_parse(&document, manifest.media_type, manifest.data,
                               manifest.size, image->scratch)) {
        add_children(image->parts, document, level);
    }
    else {
        image->size->incomplete = 1;
    }
    return NULL;
}

/* Read the manifests that were named at the level above this one.
 * *found: set to whether there are any */
static oci_error_t *read_level(int *found, image_t *image, int level)
{
    apr_array_header_t *parts = image->parts;
    oci_error_t *error = NULL;
    int count = parts->nelts, i;

    *found = 0;
    for (i = 0; i < count && !error; i++) {
        const part_t *part = &APR_ARRAY_IDX(parts, i, part_t);

        if (part->is_manifest && part->level == level - 1) {
            *found = 1;
            error = add_named(image, part->digest, level);
            if (!error) {
                apr_pool_clear(image->scratch);
            }
        }
    }
    drop_duplicates(parts);
    return error;
}

/* A client may state any size. */
static void add_bytes(oci_image_size_t *size, apr_int64_t bytes)
{
    if (bytes > APR_INT64_MAX - size->bytes) {
        size->bytes = APR_INT64_MAX;
        size->incomplete = 1;
    }
    else {
        size->bytes += bytes;
    }
}

oci_error_t *oci_image_size(oci_image_size_t *size,
                            const oci_repository_t *repository,
                            const oci_manifest_t *manifest,
                            const oci_document_t *document, apr_pool_t *pool)
{
    image_t image = { .repository = repository, .size = size };
    oci_error_t *error = NULL;
    apr_status_t rv = apr_pool_create(&image.scratch, pool);
    int found = 1, level, i;

    if (rv != APR_SUCCESS) {
        return oci_error_storage(pool, rv, "cannot read an image");
    }
    size->bytes = manifest->size;
    size->incomplete = 0;
    image.parts = apr_array_make(pool, 16, sizeof(part_t));
    add_children(image.parts, document, 1);
    drop_duplicates(image.parts);
    for (level = 2; level <= LEVELS && found && !error; level++) {
        error = read_level(&found, &image, level);
    }
    for (i = 0; i < image.parts->nelts; i++) {
        const part_t *part = &APR_ARRAY_IDX(image.parts, i, part_t);

        add_bytes(size, part->size);
        size->incomplete |= part->is_manifest && part->level >= LEVELS;
    }
    size->incomplete |= error != NULL;
    if (!error) {
        apr_pool_destroy(image.scratch);
    }
    return error;
}
