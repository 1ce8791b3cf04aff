/* SPDX-License-Identifier: Apache-2.0 */

/* What garbage collection would free. */

#include <stdlib.h>
#include <string.h>

#include "apr_strings.h"

#include "admin/look/garbage.h"
#include "gc/gc_named.h"
#include "registry/blob.h"
#include "registry/keys.h"
#include "registry/walk.h"
#include "values/digest.h"

/* How many times a shared blob without a use is noted, at most. */
#define MAX_NOTED 100000

struct oci_garbage_t {
    const oci_registry_t *registry;
    apr_array_header_t *noted; /* const char *: a digest for each repository
                                  that has no use for a blob it shares */
    apr_pool_t *pool;          /* for noted */
};

/* The count of one repository. */
typedef struct garbage_of_t {
    oci_garbage_t *garbage;
    oci_gc_named_t *named;
    apr_uint64_t bytes;
} garbage_of_t;

oci_garbage_t *oci_garbage_make(const oci_registry_t *registry,
                                apr_pool_t *pool)
{
    oci_garbage_t *garbage = apr_pcalloc(pool, sizeof(*garbage));

    garbage->registry = registry;
    garbage->noted = apr_array_make(pool, 64, sizeof(char *));
    garbage->pool = pool;
    return garbage;
}

static oci_error_t *add_size(apr_uint64_t *bytes,
                             const oci_registry_t *registry, const char *digest,
                             apr_pool_t *pool)
{
    oci_blob_t blob;
    oci_error_t *error = oci_blob_record(&blob, registry, digest, pool);

    if (!error) {
        *bytes += blob.size;
    }
    return error && error->code == OCI_E_BLOB_UNKNOWN ? NULL : error;
}

/* Count a blob of a repository for which the repository has no use. */
static oci_error_t *visit_held(oci_walk_t *walk, const char *digest,
                               const oci_value_t *value, apr_pool_t *pool)
{
    garbage_of_t *count = walk->baton;
    oci_garbage_t *garbage = count->garbage;
    apr_array_header_t *holders;
    oci_error_t *error;

    (void)value;
    if (!oci_digest_valid(digest) || oci_gc_named_has(count->named, digest)) {
        return NULL;
    }
    error = oci_blob_holders(&holders, walk->registry, digest, 2, pool);
    if (error) {
        return error;
    }
    if (holders->nelts < 2) {
        return add_size(&count->bytes, walk->registry, digest, pool);
    }
    if (garbage->noted->nelts < MAX_NOTED) {
        APR_ARRAY_PUSH(garbage->noted,
                       const char *) = apr_pstrdup(garbage->pool, digest);
    }
    return NULL;
}

oci_error_t *oci_garbage_count(apr_uint64_t *bytes, oci_error_t **damaged,
                               oci_garbage_t *garbage, const char *name,
                               apr_pool_t *pool)
{
    oci_repository_t repository = { garbage->registry, name };
    oci_gc_t gc = { .registry = garbage->registry };
    garbage_of_t count = { .garbage = garbage };
    oci_walk_t walk = { .registry = garbage->registry,
                        .prefix = oci_key_held(pool, name, NULL),
                        .visit = visit_held,
                        .baton = &count };
    int listed;
    oci_error_t *error = oci_fact_exists(&listed, garbage->registry,
                                         oci_key_review(pool, name), pool);

    *bytes = 0;
    *damaged = NULL;
    if (error || !listed) {
        return error;
    }
    count.named = oci_gc_named_make(&gc, &repository, 0, pool);
    error = oci_gc_named_read(damaged, count.named, pool);
    if (!error && !*damaged) {
        error = oci_walk(&walk, pool);
    }
    *bytes = count.bytes;
    return error;
}

static int compare_digests(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* Count a blob if all that hold it, as many as noted it, have no use for it. */
static oci_error_t *count_noted(apr_uint64_t *bytes,
                                const oci_garbage_t *garbage,
                                const char *digest, int noted, apr_pool_t *pool)
{
    apr_array_header_t *holders;
    oci_error_t *error = oci_blob_holders(&holders, garbage->registry, digest,
                                          noted + 1, pool);

    return error || holders->nelts > noted
        ? error
        : add_size(bytes, garbage->registry, digest, pool);
}

oci_error_t *oci_garbage_count_shared(apr_uint64_t *bytes,
                                      oci_garbage_t *garbage, apr_pool_t *pool)
{
    apr_array_header_t *noted = garbage->noted;
    const char *const *digests = (const char *const *)noted->elts;
    oci_error_t *error = NULL;
    apr_pool_t *scratch;
    apr_status_t rv = apr_pool_create(&scratch, pool);
    int i, end;

    if (rv != APR_SUCCESS) {
        return oci_error_storage(pool, rv, "cannot count garbage");
    }
    *bytes = 0;
    qsort(noted->elts, noted->nelts, noted->elt_size, compare_digests);
    for (i = 0; i < noted->nelts && !error; i = end) {
        for (end = i + 1;
             end < noted->nelts && !strcmp(digests[i], digests[end]); end++)
            ;
        error = count_noted(bytes, garbage, digests[i], end - i, scratch);
        if (!error) {
            apr_pool_clear(scratch);
        }
    }
    return error;
}
