/* SPDX-License-Identifier: Apache-2.0 */

/* Times as text. */

#include "apr_strings.h"
#include "apr_time.h"

#include "values/timestamp.h"

/* The last second of the year 9999. */
#define LAST_SECOND APR_INT64_C(253402300799)

const char *oci_timestamp_format(apr_int64_t seconds, apr_pool_t *pool)
{
    apr_time_exp_t time;

    if (seconds <= 0 || seconds > LAST_SECOND
        || apr_time_exp_gmt(&time, apr_time_from_sec(seconds)) != APR_SUCCESS) {
        return NULL;
    }
    return apr_psprintf(pool, "%04d-%02d-%02dT%02d:%02d:%02dZ",
                        1900 + time.tm_year, time.tm_mon + 1, time.tm_mday,
                        time.tm_hour, time.tm_min, time.tm_sec);
}
