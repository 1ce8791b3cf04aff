/* SPDX-License-Identifier: Apache-2.0 */

/* The order in which to delete manifests.  A manifest cannot name itself, not
 * even through others: it would have to contain its own digest. */

#include "gc/gc_order.h"

/* The child of a manifest, or NULL if it is not there.
 * i: may be the number of children: then it is the subject */
static oci_gc_manifest_t *named_at(const oci_gc_manifest_t *manifest, int i,
                                   const oci_gc_named_t *named)
{
    int count = manifest->children ? manifest->children->nelts : 0;
    const char *digest = i < count
        ? APR_ARRAY_IDX(manifest->children, i, const char *)
        : manifest->subject;

    return digest ? oci_gc_named_find(named, digest) : NULL;
}

/* How many manifests may be named by this one.  A subject does not wait for a
 * referrer that stays. */
static int count_named(const oci_gc_manifest_t *manifest)
{
    return (manifest->children ? manifest->children->nelts : 0)
        + manifest->chosen;
}

/* Count for each manifest how many others must go before it. */
static void count_namers(const oci_gc_named_t *named)
{
    int i, k;

    for (i = 0; i < oci_gc_named_count(named); i++) {
        const oci_gc_manifest_t *manifest = oci_gc_named_at(named, i);

        for (k = 0; manifest && !manifest->live && k < count_named(manifest);
             k++) {
            oci_gc_manifest_t *other = named_at(manifest, k, named);

            if (other) {
                other->namers++;
            }
        }
    }
}

static void mark_chosen(const apr_array_header_t *chosen,
                        const oci_gc_named_t *named)
{
    int i;

    for (i = 0; i < oci_gc_named_count(named); i++) {
        oci_gc_manifest_t *manifest = oci_gc_named_at(named, i);

        if (manifest) {
            manifest->chosen = manifest->namers = 0;
        }
    }
    for (i = 0; i < chosen->nelts; i++) {
        oci_gc_named_find(named, APR_ARRAY_IDX(chosen, i, const char *))
            ->chosen = 1;
    }
}

int oci_gc_order(apr_array_header_t *chosen, const oci_gc_named_t *named,
                 apr_pool_t *pool)
{
    apr_array_header_t *ready = apr_array_make(pool, 16,
                                               sizeof(oci_gc_manifest_t *));
    oci_gc_manifest_t **next;
    int before = chosen->nelts;
    int i;

    mark_chosen(chosen, named);
    count_namers(named);
    for (i = chosen->nelts - 1; i >= 0; i--) {
        oci_gc_manifest_t
            *manifest = oci_gc_named_find(named,
                                          APR_ARRAY_IDX(chosen, i,
                                                        const char *));

        if (!manifest->namers) {
            APR_ARRAY_PUSH(ready, oci_gc_manifest_t *) = manifest;
        }
    }
    apr_array_clear(chosen);
    while ((next = apr_array_pop(ready))) {
        const oci_gc_manifest_t *manifest = *next;

        APR_ARRAY_PUSH(chosen, const char *) = manifest->digest;
        for (i = 0; i < count_named(manifest); i++) {
            oci_gc_manifest_t *other = named_at(manifest, i, named);

            if (other && !--other->namers && other->chosen) {
                APR_ARRAY_PUSH(ready, oci_gc_manifest_t *) = other;
            }
        }
    }
    return chosen->nelts < before;
}
