/* SPDX-License-Identifier: Apache-2.0 */

/* Tests of a filter of digests. */

#include <stdlib.h>

#include "apr_general.h"

#include "tap.h"

#include "values/digest.h"
#include "values/digest_filter.h"

#define MANY 20000

static tap_t tap;

static const char *digest_of(int number, apr_pool_t *pool)
{
    return oci_digest_of(number % 5 ? OCI_SHA256 : OCI_SHA512, &number,
                         sizeof(number), pool);
}

/* Return how many digests of a range a filter has. */
static int count(const oci_digest_filter_t *filter, int first, int end,
                 apr_pool_t *pool)
{
    int i, found = 0;

    for (i = first; i < end; i++) {
        found += oci_digest_filter_has(filter, digest_of(i, pool));
    }
    return found;
}

static void check_many(apr_pool_t *pool)
{
    oci_digest_filter_t *filter = oci_digest_filter_make(20, 0x5eed, pool);
    int i;

    tap_ok(&tap, count(filter, 0, MANY, pool) == 0,
           "an empty filter has nothing");
    for (i = 0; i < MANY; i++) {
        oci_digest_filter_add(filter, digest_of(i, pool));
        oci_digest_filter_add(filter, digest_of(i, pool));
    }
    tap_ok(&tap, count(filter, 0, MANY, pool) == MANY,
           "a filter has everything that was added");
    tap_ok(&tap, count(filter, MANY, 2 * MANY, pool) < 10,
           "and hardly anything else");
}

/* A filter of 4 KiB is full after some 11,000 digests. */
static void check_full(apr_pool_t *pool)
{
    oci_digest_filter_t *filter = oci_digest_filter_make(12, 0, pool);
    int i;

    for (i = 0; i < MANY; i++) {
        if (i == MANY / 4) {
            tap_ok(&tap, count(filter, 0, i, pool) == i,
                   "a small filter has everything");
        }
        oci_digest_filter_add(filter, digest_of(i, pool));
    }
    tap_ok(&tap, count(filter, 0, MANY, pool) == 0, "a full one has nothing");
}

/* What a filter has by mistake depends on its seed. */
static void check_seeds(apr_pool_t *pool)
{
    oci_digest_filter_t *filters[2];
    int i, both = 0, one = 0;

    for (i = 0; i < 2; i++) {
        int number;

        filters[i] = oci_digest_filter_make(12, i * 0x5eedULL, pool);
        for (number = 0; number < MANY / 4; number++) {
            oci_digest_filter_add(filters[i], digest_of(number, pool));
        }
    }
    for (i = MANY / 4; i < MANY; i++) {
        const char *digest = digest_of(i, pool);
        int first = oci_digest_filter_has(filters[0], digest);

        one += first;
        both += first && oci_digest_filter_has(filters[1], digest);
    }
    tap_ok(&tap, one > 100 && both < one / 4, "another seed, other mistakes");
}

int main(void)
{
    apr_pool_t *pool;

    if (apr_initialize() != APR_SUCCESS
        || apr_pool_create(&pool, NULL) != APR_SUCCESS) {
        abort();
    }
    check_many(pool);
    check_full(pool);
    check_seeds(pool);
    apr_terminate();
    return tap_done(&tap);
}
