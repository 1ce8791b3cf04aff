/* SPDX-License-Identifier: Apache-2.0 */

/* What the manifests of a repository name.  Manifests that were deleted since
 * they were read still count: what only they name is found by the next run. */

#include "apr_strings.h"

#include "gc/gc_named.h"
#include "registry/keys.h"
#include "registry/manifest.h"
#include "values/digest.h"
#include "values/digest_set.h"
#include "values/document.h"

#define PAGE 1024 /* manifests */

struct oci_gc_named_t {
    oci_repository_t repository;
    oci_digest_set_t *manifests; /* those that were read */
    oci_digest_set_t *contents;  /* what they name */
    int any;                     /* whether manifests may not be empty */
};

oci_gc_named_t *oci_gc_named_make(const oci_repository_t *repository,
                                  apr_pool_t *pool)
{
    oci_gc_named_t *named = apr_pcalloc(pool, sizeof(*named));

    named->repository = *repository;
    named->manifests = oci_digest_set_make(pool);
    named->contents = oci_digest_set_make(pool);
    return named;
}

/* Read one manifest, and add what it names. */
static oci_error_t *read_manifest(oci_error_t **damaged, oci_gc_named_t *named,
                                  const char *digest, apr_pool_t *pool)
{
    oci_manifest_t manifest;
    oci_document_t *document;
    oci_error_t *error = oci_manifest_get(&manifest, &named->repository, digest,
                                          pool);
    const char *problem;
    int i;

    if (error && error->code == OCI_E_MANIFEST_UNKNOWN) {
        *damaged = error->note ? error : NULL; /* else it was just deleted */
        return NULL;
    }
    if (error) {
        return error;
    }
    problem = oci_document_parse(&document, manifest.media_type, manifest.data,
                                 manifest.size, pool);
    if (problem) {
        *damaged = oci_error_storage(pool, APR_SUCCESS, "%s/%s: %s",
                                     named->repository.registry->index->where,
                                     oci_key_manifest(pool,
                                                      named->repository.name,
                                                      digest),
                                     problem);
        return NULL;
    }
    for (i = 0; i < document->children->nelts; i++) {
        oci_digest_set_add(named->contents,
                           APR_ARRAY_IDX(document->children, i, oci_child_t)
                               .descriptor.digest);
    }
    return NULL;
}

/* Read the manifests of one page. */
static oci_error_t *read_page(oci_error_t **damaged, oci_gc_named_t *named,
                              const apr_array_header_t *digests,
                              apr_pool_t *pool)
{
    oci_error_t *error = NULL;
    apr_pool_t *scratch; /* for one manifest */
    apr_status_t rv = apr_pool_create(&scratch, pool);
    int i;

    if (rv != APR_SUCCESS) {
        return oci_error_storage(pool, rv, "cannot read manifests");
    }
    for (i = 0; i < digests->nelts && !error && !*damaged; i++) {
        const char *digest = APR_ARRAY_IDX(digests, i, const char *);

        error = read_manifest(damaged, named, digest, scratch);
        if (!error && !*damaged) {
            apr_pool_clear(scratch);
        }
    }
    return error;
}

/* Keep the digests of manifests that were not read before.  A key that is not a
 * digest belongs to nobody. */
static apr_array_header_t *new_digests(const apr_array_header_t *digests,
                                       const oci_gc_named_t *named,
                                       apr_pool_t *pool)
{
    apr_array_header_t *chosen = apr_array_make(pool, digests->nelts + 1,
                                                sizeof(const char *));
    int i;

    for (i = 0; i < digests->nelts; i++) {
        const char *digest = APR_ARRAY_IDX(digests, i, const char *);

        if (oci_digest_valid(digest)
            && (!named->any || !oci_digest_set_has(named->manifests, digest))) {
            APR_ARRAY_PUSH(chosen, const char *) = digest;
        }
    }
    return chosen;
}

static void note_read(const apr_array_header_t *digests, oci_gc_named_t *named)
{
    int i;

    for (i = 0; i < digests->nelts; i++) {
        oci_digest_set_add(named->manifests,
                           APR_ARRAY_IDX(digests, i, const char *));
    }
}

oci_error_t *oci_gc_named_read(oci_error_t **damaged, oci_gc_named_t *named,
                               apr_pool_t *pool)
{
    oci_scan_t scan = { oci_key_manifest(pool, named->repository.name, NULL),
                        NULL, PAGE, 0, 0 };
    char after[256] = "";
    apr_pool_t *page;
    apr_status_t rv = apr_pool_create(&page, pool);
    oci_error_t *error = NULL;
    int full = rv == APR_SUCCESS;

    *damaged = NULL;
    while (full && !error && !*damaged) {
        apr_array_header_t *entries, *digests;

        apr_pool_clear(page);
        error = oci_facts_scan(&entries, named->repository.registry, &scan,
                               page);
        if (error) {
            return error;
        }
        full = entries->nelts == PAGE;
        digests = oci_key_suffixes(entries, scan.prefix, page);
        if (digests->nelts) {
            apr_cpystrn(after,
                        APR_ARRAY_IDX(digests, digests->nelts - 1,
                                      const char *),
                        sizeof(after));
            scan.after = after;
        }
        digests = new_digests(digests, named, page);
        error = read_page(damaged, named, digests, page);
        note_read(digests, named);
    }
    named->any = 1;
    return rv == APR_SUCCESS
        ? error
        : oci_error_storage(pool, rv, "cannot read manifests");
}

int oci_gc_named_has(oci_gc_named_t *named, const char *digest)
{
    return oci_digest_set_has(named->contents, digest);
}
