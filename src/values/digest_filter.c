/* SPDX-License-Identifier: Apache-2.0 */

/* A Bloom filter of digests.  The bits of a digest are random already, so that
 * four numbers of it, mixed with the seed, choose its four bits. */

#include <stdlib.h>
#include <string.h>

#include "values/digest.h"
#include "values/digest_filter.h"

#define HASHES 4

/* An odd number whose bits are as good as random: 2^64 divided by the golden
 * ratio. */
#define MULTIPLIER APR_UINT64_C(0x9e3779b97f4a7c15)

struct oci_digest_filter_t {
    unsigned char *bits;
    int log_bits;       /* binary logarithm of their number */
    apr_uint64_t count; /* number of bits that are set */
    apr_uint64_t seed;
};

static apr_status_t free_bits(void *filter)
{
    free(((oci_digest_filter_t *)filter)->bits);
    return APR_SUCCESS;
}

oci_digest_filter_t *oci_digest_filter_make(int log_size, apr_uint64_t seed,
                                            apr_pool_t *pool)
{
    oci_digest_filter_t *filter = apr_palloc(pool, sizeof(*filter));

    filter->bits = calloc((apr_size_t)1 << log_size, 1);
    if (!filter->bits) {
        apr_pool_abort_get(pool)(APR_ENOMEM);
        abort();
    }
    filter->log_bits = log_size + 3;
    filter->count = 0;
    filter->seed = seed;
    apr_pool_cleanup_register(pool, filter, free_bits, apr_pool_cleanup_null);
    return filter;
}

/* Find the numbers of the bits of a digest. */
static void find_bits(apr_uint64_t *bits, const oci_digest_filter_t *filter,
                      const char *digest)
{
    int i;

    oci_digest_bytes((unsigned char *)bits, HASHES * sizeof(*bits), digest);
    for (i = 0; i < HASHES; i++) {
        bits[i] = (bits[i] ^ filter->seed) * MULTIPLIER
            >> (64 - filter->log_bits);
    }
}

void oci_digest_filter_add(oci_digest_filter_t *filter, const char *digest)
{
    apr_uint64_t bits[HASHES];
    int i;

    find_bits(bits, filter, digest);
    for (i = 0; i < HASHES; i++) {
        unsigned char *byte = filter->bits + bits[i] / 8;
        unsigned char mask = 1 << bits[i] % 8;

        filter->count += !(*byte & mask);
        *byte |= mask;
    }
}

int oci_digest_filter_has(const oci_digest_filter_t *filter, const char *digest)
{
    int has = filter->count <= (apr_uint64_t)1 << (filter->log_bits - 1);
    apr_uint64_t bits[HASHES];
    int i;

    find_bits(bits, filter, digest);
    for (i = 0; i < HASHES && has; i++) {
        has = filter->bits[bits[i] / 8] >> bits[i] % 8 & 1;
    }
    return has;
}
