/* SPDX-License-Identifier: Apache-2.0 */

/* The manifests of a repository, and what they name.  Manifests that were
 * deleted since they were read still count for what is named: what only they
 * name is found by the next run. */

#include <stdlib.h>
#include <string.h>

#include "apr_strings.h"

#include "gc/gc_named.h"
#include "gc/gc_step.h"
#include "registry/keys.h"
#include "registry/manifest.h"
#include "registry/walk.h"
#include "values/digest.h"
#include "values/digest_set.h"
#include "values/document.h"

struct oci_gc_named_t {
    oci_gc_t *gc;
    oci_repository_t repository;
    oci_digest_set_t *manifests; /* those that were read */
    oci_digest_set_t *contents;  /* what they name */
    int any;                     /* whether the last reading found any */
    int partial;                 /* whether the first reading was stopped */
    int round;                   /* of the current or last reading */
    apr_array_header_t *kept;    /* oci_gc_manifest_t *, in the order of their
                                    digests; NULL if they are not kept */
    int sorted;                  /* so many of kept are in order */
    apr_pool_t *pool;
};

oci_gc_named_t *oci_gc_named_make(oci_gc_t *gc,
                                  const oci_repository_t *repository, int keep,
                                  apr_pool_t *pool)
{
    oci_gc_named_t *named = apr_pcalloc(pool, sizeof(*named));

    named->gc = gc;
    named->repository = *repository;
    named->manifests = oci_digest_set_make(pool);
    named->contents = oci_digest_set_make(pool);
    named->kept = keep ? apr_array_make(pool, 64, sizeof(oci_gc_manifest_t *))
                       : NULL;
    named->pool = pool;
    return named;
}

static int compare_digest(const void *digest, const void *manifest)
{
    return strcmp(digest, (*(oci_gc_manifest_t *const *)manifest)->digest);
}

static int compare_manifests(const void *left, const void *right)
{
    return compare_digest((*(oci_gc_manifest_t *const *)left)->digest, right);
}

static void sort_kept(oci_gc_named_t *named)
{
    if (named->kept && named->sorted < named->kept->nelts) {
        qsort(named->kept->elts, named->kept->nelts, named->kept->elt_size,
              compare_manifests);
        named->sorted = named->kept->nelts;
    }
}

/* Find a manifest that is kept, also if the last reading did not find it. */
static oci_gc_manifest_t *find_kept(const oci_gc_named_t *named,
                                    const char *digest)
{
    oci_gc_manifest_t **found = bsearch(digest, named->kept->elts,
                                        named->sorted, named->kept->elt_size,
                                        compare_digest);

    return found ? *found : NULL;
}

static int compare_names(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* Copy the digests of children that may be manifests, each of them once: an
 * index may name one many times. */
static apr_array_header_t *copy_children(const oci_document_t *document,
                                         apr_pool_t *pool, apr_pool_t *scratch)
{
    apr_array_header_t *all = apr_array_make(scratch, 4, sizeof(char *));
    apr_array_header_t *once = NULL;
    const char *last = "";
    int i;

    for (i = 0; i < document->children->nelts; i++) {
        const oci_child_t *child = &APR_ARRAY_IDX(document->children, i,
                                                  oci_child_t);

        if (child->kind == OCI_CHILD_MANIFEST) {
            APR_ARRAY_PUSH(all, const char *) = child->descriptor.digest;
        }
    }
    qsort(all->elts, all->nelts, all->elt_size, compare_names);
    for (i = 0; i < all->nelts; i++) {
        const char *digest = APR_ARRAY_IDX(all, i, const char *);

        if (strcmp(digest, last)) {
            once = once ? once : apr_array_make(pool, 4, sizeof(char *));
            APR_ARRAY_PUSH(once, const char *) = apr_pstrdup(pool, digest);
        }
        last = digest;
    }
    return once;
}

static void keep(oci_gc_named_t *named, const oci_manifest_t *manifest,
                 const oci_document_t *document, apr_pool_t *scratch)
{
    oci_gc_manifest_t *kept = apr_pcalloc(named->pool, sizeof(*kept));

    kept->digest = apr_pstrdup(named->pool, manifest->digest);
    kept->pushed = manifest->origin.seconds;
    kept->round = named->round;
    if (document->subject) {
        kept->subject = apr_pstrdup(named->pool, document->subject->digest);
    }
    kept->children = copy_children(document, named->pool, scratch);
    APR_ARRAY_PUSH(named->kept, oci_gc_manifest_t *) = kept;
}

/* A reading of all manifests. */
typedef struct reading_t {
    oci_gc_named_t *named;
    apr_array_header_t *added; /* const char *: read for the first time */
    int damaged;               /* whether a manifest is damaged */
} reading_t;

/* Make the error of a manifest that is not valid. */
static oci_error_t *not_valid(const oci_repository_t *repository,
                              const char *digest, const char *problem,
                              apr_pool_t *pool)
{
    return oci_error_storage(pool, APR_SUCCESS, "%s/%s: %s",
                             repository->registry->index->where,
                             oci_key_manifest(pool, repository->name, digest),
                             problem);
}

/* Take note that a manifest was read.  One that was deleted meanwhile was not:
 * if it is pushed again, it must be read then. */
static void note_read(reading_t *reading, const char *digest)
{
    if (reading->named->round == 1) {
        oci_digest_set_add(reading->named->manifests, digest);
    }
    else {
        APR_ARRAY_PUSH(reading->added,
                       const char *) = apr_pstrdup(reading->added->pool,
                                                   digest);
    }
}

/* Read one manifest, and add what it names. */
static oci_error_t *read_manifest(reading_t *reading, const char *digest,
                                  apr_pool_t *pool)
{
    oci_gc_named_t *named = reading->named;
    oci_manifest_t manifest;
    oci_document_t *document;
    oci_error_t *error = oci_manifest_get(&manifest, &named->repository, digest,
                                          pool);
    const char *problem;
    int i;

    if (error) {
        reading->damaged = error->code == OCI_E_MANIFEST_UNKNOWN && error->note;
        return error->code == OCI_E_MANIFEST_UNKNOWN && !error->note
            ? NULL /* it was just deleted */
            : error;
    }
    problem = oci_document_parse(&document, manifest.media_type, manifest.data,
                                 manifest.size, pool);
    if (problem) {
        reading->damaged = 1;
        return not_valid(&named->repository, digest, problem, pool);
    }
    for (i = 0; i < document->children->nelts; i++) {
        oci_digest_set_add(named->contents,
                           APR_ARRAY_IDX(document->children, i, oci_child_t)
                               .descriptor.digest);
    }
    if (named->kept) {
        keep(named, &manifest, document, pool);
    }
    note_read(reading, digest);
    return NULL;
}

/* Whether a manifest was read before. */
static int is_known(const oci_gc_named_t *named, const char *digest)
{
    oci_gc_manifest_t *kept;

    if (named->round == 1) {
        return 0;
    }
    if (!named->kept) {
        return oci_digest_set_has(named->manifests, digest);
    }
    kept = find_kept(named, digest);
    if (kept) {
        kept->round = named->round;
    }
    return kept != NULL;
}

/* Read a manifest that was not read before.  A key that is not a digest belongs
 * to nobody. */
static oci_error_t *visit_manifest(oci_walk_t *walk, const char *digest,
                                   const oci_value_t *value, apr_pool_t *pool)
{
    reading_t *reading = walk->baton;
    oci_gc_named_t *named = reading->named;

    (void)value;
    named->any = 1;
    if (named->round == 1 && oci_gc_is_stopped(named->gc)) {
        walk->stop = named->partial = 1;
        return NULL;
    }
    if (!oci_digest_valid(digest) || is_known(named, digest)) {
        return NULL;
    }
    return read_manifest(reading, digest, pool);
}

oci_error_t *oci_gc_named_read(oci_error_t **damaged, oci_gc_named_t *named,
                               apr_pool_t *pool)
{
    reading_t reading = { named, apr_array_make(pool, 16, sizeof(char *)), 0 };
    oci_walk_t walk = { .registry = named->repository.registry,
                        .prefix = oci_key_manifest(pool, named->repository.name,
                                                   NULL),
                        .any_order = 1,
                        .visit = visit_manifest,
                        .baton = &reading };
    oci_error_t *error;
    int i;

    named->round++;
    named->any = 0;
    error = oci_walk(&walk, pool);
    for (i = 0; i < reading.added->nelts; i++) {
        oci_digest_set_add(named->manifests,
                           APR_ARRAY_IDX(reading.added, i, const char *));
    }
    sort_kept(named);
    *damaged = reading.damaged ? error : NULL;
    return reading.damaged ? NULL : error;
}

int oci_gc_named_is_partial(const oci_gc_named_t *named)
{
    return named->partial;
}

int oci_gc_named_any(const oci_gc_named_t *named)
{
    return named->any;
}

int oci_gc_named_count(const oci_gc_named_t *named)
{
    return named->kept->nelts;
}

oci_gc_manifest_t *oci_gc_named_at(const oci_gc_named_t *named, int i)
{
    oci_gc_manifest_t *kept = APR_ARRAY_IDX(named->kept, i,
                                            oci_gc_manifest_t *);

    return kept->round == named->round ? kept : NULL;
}

oci_gc_manifest_t *oci_gc_named_find(const oci_gc_named_t *named,
                                     const char *digest)
{
    oci_gc_manifest_t *kept = find_kept(named, digest);

    return kept && kept->round == named->round ? kept : NULL;
}

int oci_gc_named_has(oci_gc_named_t *named, const char *digest)
{
    return oci_digest_set_has(named->contents, digest);
}
