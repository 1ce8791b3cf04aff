/* SPDX-License-Identifier: Apache-2.0 */

/* Numbers and checksums in files, in one byte order on every machine. */

#include "store/dbm/dbm_bytes.h"

void oci_dbm_bytes_put(char *bytes, apr_uint64_t number, int count)
{
    while (count--) {
        bytes[count] = (char)(number & 0xff);
        number >>= 8;
    }
}

apr_uint64_t oci_dbm_bytes_get(const char *bytes, int count)
{
    apr_uint64_t number = 0;

    while (count--) {
        number = number << 8 | (unsigned char)*bytes++;
    }
    return number;
}

/* Compilers turn these shifts into one load. */
static apr_uint64_t word_at(const char *data)
{
    const unsigned char *byte = (const unsigned char *)data;

    return (apr_uint64_t)byte[0] << 56 | (apr_uint64_t)byte[1] << 48
        | (apr_uint64_t)byte[2] << 40 | (apr_uint64_t)byte[3] << 32
        | (apr_uint64_t)byte[4] << 24 | (apr_uint64_t)byte[5] << 16
        | (apr_uint64_t)byte[6] << 8 | (apr_uint64_t)byte[7];
}

/* Each step is a bijection of sums, so data that differs in a single word
 * always has different sums. */
static apr_uint64_t mix(apr_uint64_t sum, apr_uint64_t word)
{
    sum = (sum ^ word) * APR_UINT64_C(0x9e3779b97f4a7c15);
    return sum ^ sum >> 32;
}

apr_uint64_t oci_dbm_bytes_sum(apr_uint64_t seed, const char *data,
                               apr_size_t size)
{
    apr_uint64_t sum = mix(~seed, size);

    for (; size >= 8; data += 8, size -= 8) {
        sum = mix(sum, word_at(data));
    }
    return mix(sum, oci_dbm_bytes_get(data, (int)size));
}
