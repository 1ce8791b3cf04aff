/* SPDX-License-Identifier: Apache-2.0 */

/* Random names, and names that begin with the time. */

#include "apr_escape.h"
#include "apr_general.h"
#include "apr_strings.h"
#include "apr_time.h"

#include "registry/random.h"

#define SECONDS_LENGTH 8
#define RANDOM_BYTES   8

oci_error_t *oci_random_hex(const char **text, apr_size_t bytes,
                            apr_pool_t *pool)
{
    unsigned char *data = apr_palloc(pool, bytes);
    apr_status_t rv = apr_generate_random_bytes(data, bytes);

    if (rv != APR_SUCCESS) {
        return oci_error_storage(pool, rv, "cannot read random bytes");
    }
    *text = apr_pescape_hex(pool, data, bytes, 0);
    return NULL;
}

oci_error_t *oci_random_stamp(const char **stamp, apr_pool_t *pool)
{
    const char *random;
    oci_error_t *error = oci_random_hex(&random, RANDOM_BYTES, pool);

    if (!error) {
        *stamp = apr_psprintf(pool, "%0*lx%s", SECONDS_LENGTH,
                              (unsigned long)apr_time_sec(apr_time_now()),
                              random);
    }
    return error;
}

apr_int64_t oci_stamp_seconds(const char *stamp)
{
    char seconds[SECONDS_LENGTH + 1];

    apr_cpystrn(seconds, stamp, sizeof(seconds));
    return apr_strtoi64(seconds, NULL, 16);
}
