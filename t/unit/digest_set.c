/* SPDX-License-Identifier: Apache-2.0 */

/* Tests of a set of digests. */

#include <stdlib.h>

#include "apr_general.h"
#include "apr_strings.h"

#include "tap.h"

#include "values/digest.h"
#include "values/digest_set.h"

#define MANY 20000

static tap_t tap;

static const char *digest_of(int number, apr_pool_t *pool)
{
    return oci_digest_of(number % 5 ? OCI_SHA256 : OCI_SHA512, &number,
                         sizeof(number), pool);
}

/* Return how many digests of a range a set has. */
static int count(oci_digest_set_t *set, int first, int end, apr_pool_t *pool)
{
    int i, found = 0;

    for (i = first; i < end; i++) {
        found += oci_digest_set_has(set, digest_of(i, pool));
    }
    return found;
}

static void check_few(apr_pool_t *pool)
{
    oci_digest_set_t *set = oci_digest_set_make(pool);
    const char *small = digest_of(1, pool), *large = digest_of(0, pool);
    const char *begins = apr_psprintf(pool, "sha256:%.64s",
                                      large + strlen("sha512:"));

    tap_ok(&tap, !oci_digest_set_has(set, small), "an empty set has nothing");
    oci_digest_set_add(set, small);
    tap_ok(&tap, oci_digest_set_has(set, small), "a SHA-256 digest");
    tap_ok(&tap, !oci_digest_set_has(set, large), "another one is not there");
    oci_digest_set_add(set, large);
    tap_ok(&tap, oci_digest_set_has(set, large), "a SHA-512 digest");
    tap_ok(&tap, oci_digest_set_has(set, begins),
           "which counts as the SHA-256 digest of its first bytes");
    tap_ok(&tap, oci_digest_set_has(set, small), "the first one stays");
}

/* Every byte of a digest counts, also the digits that are letters. */
static void check_bytes(apr_pool_t *pool)
{
    oci_digest_set_t *set = oci_digest_set_make(pool);
    char digest[] = "sha256:ffffffffffffffffffffffffffffffff"
                    "ffffffffffffffffffffffffffffffff";
    size_t i;
    int wrong = 0;

    oci_digest_set_add(set, digest);
    for (i = strlen("sha256:"); i < strlen(digest); i++) {
        digest[i] = 'e';
        wrong += oci_digest_set_has(set, digest);
        digest[i] = 'f';
    }
    tap_ok(&tap, !wrong, "a digest that differs in one digit is not there");
}

static void check_many(apr_pool_t *pool)
{
    oci_digest_set_t *set = oci_digest_set_make(pool);
    int i;

    for (i = 0; i < MANY; i++) {
        oci_digest_set_add(set, digest_of(i, pool));
    }
    tap_ok(&tap, count(set, 0, MANY, pool) == MANY, "all of many digests");
    tap_ok(&tap, !count(set, MANY, 2 * MANY, pool), "and no other ones");
    for (i = MANY; i < 2 * MANY; i++) {
        oci_digest_set_add(set, digest_of(i, pool));
    }
    tap_ok(&tap, count(set, 0, 2 * MANY, pool) == 2 * MANY,
           "more digests after a look");
}

static void check_duplicates(apr_pool_t *pool)
{
    oci_digest_set_t *set = oci_digest_set_make(pool);
    int i;

    for (i = 0; i < MANY; i++) {
        oci_digest_set_add(set, digest_of(i % 40, pool));
    }
    tap_ok(&tap, count(set, 0, 80, pool) == 40, "duplicates");
}

/* A look after each digest, at every size about which the set grows. */
static void check_growth(apr_pool_t *pool)
{
    oci_digest_set_t *set = oci_digest_set_make(pool);
    int i, wrong = 0;

    for (i = 0; i < 300; i++) {
        wrong += oci_digest_set_has(set, digest_of(i, pool));
        oci_digest_set_add(set, digest_of(i, pool));
        oci_digest_set_add(set, digest_of(i / 2, pool));
        wrong += count(set, 0, i + 1, pool) != i + 1;
    }
    tap_ok(&tap, !wrong, "a look after each addition");
}

int main(void)
{
    apr_pool_t *pool;

    if (apr_initialize() != APR_SUCCESS
        || apr_pool_create(&pool, NULL) != APR_SUCCESS) {
        abort();
    }
    check_few(pool);
    check_bytes(pool);
    check_many(pool);
    check_duplicates(pool);
    check_growth(pool);
    apr_terminate();
    return tap_done(&tap);
}
