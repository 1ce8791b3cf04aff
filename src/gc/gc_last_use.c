/* SPDX-License-Identifier: Apache-2.0 */

/* The blobs that a dry run would take out of repositories.  A blob would go if
 * it was noted once for each repository that holds it. */

#include <stdlib.h>
#include <string.h>

#include "apr_strings.h"

#include "gc/gc_last_use.h"
#include "registry/blob.h"

void oci_gc_last_use_note(oci_gc_t *gc, const char *digest)
{
    APR_ARRAY_PUSH(gc->taken_out,
                   const char *) = apr_pstrdup(gc->taken_out->pool, digest);
}

static int compare(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* Count a blob that was noted for some repositories, if no others hold it. */
static oci_error_t *count(oci_gc_t *gc, const char *digest, int notes,
                          apr_pool_t *pool)
{
    apr_array_header_t *holders;
    oci_blob_t blob;
    oci_error_t *error = oci_blob_holders(&holders, gc->registry, digest,
                                          notes + 1, pool);

    if (!error && holders->nelts <= notes
        && !(error = oci_blob_record(&blob, gc->registry, digest, pool))) {
        gc->report.blobs++;
        gc->report.bytes += blob.size;
    }
    return error && error->code == OCI_E_BLOB_UNKNOWN ? NULL : error;
}

oci_error_t *oci_gc_last_use_count(oci_gc_t *gc, apr_pool_t *pool)
{
    const char **digests = (const char **)gc->taken_out->elts;
    int all = gc->taken_out->nelts;
    oci_error_t *error = NULL;
    apr_pool_t *scratch;
    int first, end;

    if (apr_pool_create(&scratch, pool) != APR_SUCCESS) {
        return oci_error_storage(pool, APR_ENOMEM, "cannot count blobs");
    }
    qsort(digests, all, sizeof(*digests), compare);
    for (first = 0; first < all && !error; first = end) {
        end = first + 1;
        while (end < all && !strcmp(digests[end], digests[first])) {
            end++;
        }
        error = count(gc, digests[first], end - first, scratch);
        if (!error) {
            apr_pool_clear(scratch);
        }
    }
    return error;
}
