/* SPDX-License-Identifier: Apache-2.0 */

/* Whether a repository holds a blob.  The facts holder/... list those that may,
 * and the fact repo/<name>/_blob/<digest> decides. */

#include "gc/gc_holders.h"
#include "registry/blob.h"
#include "registry/keys.h"

/* Find out whether one of these repositories holds a blob.
 * stale: the facts about those that do not are added, to be deleted */
static oci_error_t *ask_holders(int *held, apr_array_header_t *stale,
                                const oci_gc_t *gc, const char *digest,
                                const apr_array_header_t *names)
{
    apr_pool_t *pool = stale->pool;
    oci_error_t *error = NULL;
    int i;

    *held = 0;
    for (i = 0; i < names->nelts && !error && !*held; i++) {
        const char *name = APR_ARRAY_IDX(names, i, const char *);

        error = oci_fact_exists(held, gc->registry,
                                oci_key_held(pool, name, digest), pool);
        oci_change_delete(stale, oci_key_holder(pool, digest, name));
    }
    return error;
}

oci_error_t *oci_gc_holders_find(int *held, apr_array_header_t *stale,
                                 const oci_gc_t *gc, const char *digest)
{
    apr_array_header_t *names;
    oci_error_t *error;
    int limit = 1; /* the first one nearly always holds it */

    for (;;) {
        error = oci_blob_holders(&names, gc->registry, digest, limit,
                                 stale->pool);
        apr_array_clear(stale);
        if (!error) {
            error = ask_holders(held, stale, gc, digest, names);
        }
        if (error || *held || !limit || !names->nelts) {
            break;
        }
        limit = 0;
    }
    if (error || *held) {
        apr_array_clear(stale);
    }
    return error;
}
