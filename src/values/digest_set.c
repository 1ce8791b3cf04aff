/* SPDX-License-Identifier: Apache-2.0 */

/* A set of digests: a sorted array, followed by digests that were added since
 * it was sorted.  It is not a hash table: clients choose digests, and could
 * choose many that collide. */

#include <stdlib.h>
#include <string.h>

#include "values/digest.h"
#include "values/digest_set.h"

#define BYTES 32
#define FIRST 64 /* digests */

typedef unsigned char member_t[BYTES];

struct oci_digest_set_t {
    member_t *members;
    apr_size_t sorted;    /* so many members are sorted, each of them once */
    apr_size_t count;     /* so many members are there */
    apr_size_t allocated; /* so many have room */
    apr_pool_t *pool;
};

static apr_status_t free_members(void *set)
{
    free(((oci_digest_set_t *)set)->members);
    return APR_SUCCESS;
}

oci_digest_set_t *oci_digest_set_make(apr_pool_t *pool)
{
    oci_digest_set_t *set = apr_pcalloc(pool, sizeof(*set));

    set->pool = pool;
    apr_pool_cleanup_register(pool, set, free_members, apr_pool_cleanup_null);
    return set;
}

static int compare(const void *left, const void *right)
{
    return memcmp(left, right, BYTES);
}

/* Sort all members, and keep each of them once. */
static void sort(oci_digest_set_t *set)
{
    apr_size_t kept = 0, i;

    if (set->sorted == set->count) {
        return;
    }
    qsort(set->members, set->count, BYTES, compare);
    for (i = 0; i < set->count; i++) {
        if (!kept || compare(set->members[kept - 1], set->members[i])) {
            memmove(set->members[kept++], set->members[i], BYTES);
        }
    }
    set->sorted = set->count = kept;
}

/* Make room: drop duplicates, and grow if that does not free half of it. */
static void make_room(oci_digest_set_t *set)
{
    apr_size_t wanted = set->allocated ? 2 * set->allocated : FIRST;
    void *grown;

    sort(set);
    if (set->count < set->allocated / 2) {
        return;
    }
    grown = realloc(set->members, wanted * BYTES);
    if (!grown) {
        apr_pool_abort_get(set->pool)(APR_ENOMEM);
        abort();
    }
    set->members = grown;
    set->allocated = wanted;
}

void oci_digest_set_add(oci_digest_set_t *set, const char *digest)
{
    if (set->count == set->allocated) {
        make_room(set);
    }
    oci_digest_bytes(set->members[set->count++], BYTES, digest);
}

int oci_digest_set_has(oci_digest_set_t *set, const char *digest)
{
    member_t member;

    sort(set);
    oci_digest_bytes(member, BYTES, digest);
    return set->count
        && bsearch(member, set->members, set->count, BYTES, compare);
}
