/* SPDX-License-Identifier: Apache-2.0 */

/* Tests of the table of a repository's blobs in "ociadmin check". */

#include <stdlib.h>
#include <string.h>

#include "apr_general.h"

#include "tap.h"

#include "admin/check/check_held.h"
#include "values/digest.h"

#define MANY 5000 /* several blocks */

static tap_t tap;

static const char *digest_of(int number, apr_pool_t *pool)
{
    return oci_digest_of(number % 3 ? OCI_SHA256 : OCI_SHA512, &number,
                         sizeof(number), pool);
}

static int compare(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* Add blobs whose size is their place; every fourth is condemned. */
static const char **add_many(oci_held_table_t *table, apr_pool_t *pool)
{
    const char **digests = apr_palloc(pool, MANY * sizeof(*digests));
    int i;

    for (i = 0; i < MANY; i++) {
        digests[i] = digest_of(i, pool);
    }
    qsort(digests, MANY, sizeof(*digests), compare);
    for (i = 0; i < MANY; i++) {
        oci_held_table_add(table, digests[i], i, i % 4 == 0);
    }
    return digests;
}

static void check_empty(apr_pool_t *pool)
{
    const oci_held_table_t *table = oci_held_table_make(pool);
    apr_off_t size;
    int condemned;

    tap_ok(&tap,
           !oci_held_table_find(&size, &condemned, table, digest_of(1, pool)),
           "an empty table has nothing");
}

static void check_many(apr_pool_t *pool)
{
    oci_held_table_t *table = oci_held_table_make(pool);
    const char **digests = add_many(table, pool);
    int i, found = 0, absent = 0, condemned = 0;
    apr_off_t size = 0;

    for (i = 0; i < MANY; i++) {
        found += oci_held_table_find(&size, &condemned, table, digests[i])
            && size == i && condemned == (i % 4 == 0);
        absent += !oci_held_table_find(&size, &condemned, table,
                                       digest_of(MANY + i, pool));
    }
    tap_ok(&tap, found == MANY, "%d of %d blobs are found", found, MANY);
    tap_ok(&tap, absent == MANY, "%d of %d others are not", absent, MANY);
}

static void check_sizes(apr_pool_t *pool)
{
    static const apr_off_t sizes[] = { -1, 0, 1, APR_INT64_C(1) << 50 };
    apr_off_t size = 7;
    int i, condemned = 7;

    for (i = 0; i < 8; i++) {
        oci_held_table_t *table = oci_held_table_make(pool);

        oci_held_table_add(table, digest_of(1, pool), sizes[i / 2], i % 2);
        tap_ok(&tap,
               oci_held_table_find(&size, &condemned, table, digest_of(1, pool))
                   && size == sizes[i / 2] && condemned == i % 2,
               "a size of %" APR_OFF_T_FMT "%s", sizes[i / 2],
               i % 2 ? ", condemned" : "");
    }
}

int main(void)
{
    apr_pool_t *pool;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    check_empty(pool);
    check_many(pool);
    check_sizes(pool);
    apr_pool_destroy(pool);
    apr_terminate();
    return tap_done(&tap);
}
