/* SPDX-License-Identifier: Apache-2.0 */

/* The bounded set of the hashes of verified tokens. */

#include "start_pool.h"
#include "tap.h"

#include "values/known_set.h"

/* A hash whose first bytes are a number, on any machine. */
static const unsigned char *hash_of(unsigned char *hash, unsigned number,
                                    int rest)
{
    memset(hash, rest, OCI_KNOWN_SET_BYTES);
    memcpy(hash, &number, sizeof(number));
    return hash;
}

int main(void)
{
    tap_t tap = { 0, 0 };
    apr_pool_t *pool = start_pool();
    oci_known_set_t *set;
    unsigned char hash[OCI_KNOWN_SET_BYTES];
    unsigned i;
    int known = 0;

    tap_ok(&tap, oci_known_set_create(&set, 8, pool) == APR_SUCCESS, "a set");
    tap_ok(&tap, !oci_known_set_has(set, hash_of(hash, 1, 1)), "is empty");
    oci_known_set_add(set, hash_of(hash, 1, 1));
    tap_ok(&tap, oci_known_set_has(set, hash_of(hash, 1, 1)),
           "has a hash that was added");
    tap_ok(&tap, !oci_known_set_has(set, hash_of(hash, 1, 2)),
           "not another hash with the same first bytes");
    oci_known_set_add(set, hash_of(hash, 9, 1));
    tap_ok(&tap,
           oci_known_set_has(set, hash_of(hash, 9, 1))
               && !oci_known_set_has(set, hash_of(hash, 1, 1)),
           "a new one displaces an old one");
    for (i = 0; i < 1000; i++) {
        oci_known_set_add(set, hash_of(hash, i, 3));
    }
    for (i = 0; i < 1000; i++) {
        known += oci_known_set_has(set, hash_of(hash, i, 3));
    }
    tap_ok(&tap, known == 8, "it holds no more hashes than its size");
    return tap_done(&tap);
}
