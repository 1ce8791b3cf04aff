/* SPDX-License-Identifier: Apache-2.0 */

/* Tests of the numbers and checksums in the files of a "dbm" index. */

#include "tap.h"

#include "store/dbm/dbm_bytes.h"

int main(void)
{
    tap_t tap = { 0, 0 };
    char bytes[32] = "0123456789abcdefghijklmnopqrstu";
    apr_uint64_t sum;
    int i, j, bad = 0;

    oci_dbm_bytes_put(bytes, APR_UINT64_C(0x0102030405060708), 8);
    tap_ok(&tap,
           !memcmp(bytes, "\1\2\3\4\5\6\7\10", 8)
               && oci_dbm_bytes_get(bytes, 8)
                   == APR_UINT64_C(0x0102030405060708),
           "a number of 8 bytes");
    oci_dbm_bytes_put(bytes, 0xfffe, 2);
    tap_ok(&tap,
           !memcmp(bytes, "\xff\xfe\3", 3)
               && oci_dbm_bytes_get(bytes, 2) == 0xfffe,
           "a number of 2 bytes");
    sum = oci_dbm_bytes_sum(7, bytes, sizeof(bytes));
    tap_ok(&tap, sum == oci_dbm_bytes_sum(7, bytes, sizeof(bytes)),
           "a sum is the same again");
    tap_ok(&tap,
           oci_dbm_bytes_sum(0, "mod_oci index", 13)
               == APR_UINT64_C(0x706b5a73590e1b37),
           "a sum is the same on every machine");
    for (i = 0; i < (int)sizeof(bytes); i++) {
        for (j = 0; j < 8; j++) {
            bytes[i] ^= 1 << j;
            bad += oci_dbm_bytes_sum(7, bytes, sizeof(bytes)) == sum;
            bytes[i] ^= 1 << j;
        }
        bad += oci_dbm_bytes_sum(7, bytes, i) == sum;
    }
    tap_ok(&tap, !bad, "a sum depends on each bit and on the length");
    tap_ok(&tap, oci_dbm_bytes_sum(8, bytes, sizeof(bytes)) != sum,
           "a sum depends on the seed");
    memset(bytes, 0, sizeof(bytes));
    tap_ok(&tap,
           oci_dbm_bytes_sum(0, bytes, 8) != oci_dbm_bytes_sum(0, bytes, 9)
               && oci_dbm_bytes_sum(0, bytes, 0)
               && oci_dbm_bytes_sum(0, bytes, 8),
           "sums of zeros and of no bytes differ from 0");
    return tap_done(&tap);
}
