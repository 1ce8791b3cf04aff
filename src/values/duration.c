/* SPDX-License-Identifier: Apache-2.0 */

/* Durations such as "30d". */

#include <ctype.h>
#include <string.h>

#include "apr_strings.h"

#include "values/duration.h"

apr_status_t oci_duration_parse(int *seconds, const char *text)
{
    static const char letters[] = "smhdw";
    static const int units[] = { 1, 60, 3600, 86400, 604800 };
    apr_int64_t number, unit = 1;
    const char *letter;
    char *end;

    if (!isdigit((unsigned char)*text)) {
        return APR_EINVAL;
    }
    number = apr_strtoi64(text, &end, 10);
    if (*end) {
        letter = strchr(letters, *end);
        if (!letter || end[1]) {
            return APR_EINVAL;
        }
        unit = units[letter - letters];
    }
    if (number < 0 || number > OCI_DURATION_MAX / unit) {
        return APR_EINVAL;
    }
    *seconds = (int)(number * unit);
    return APR_SUCCESS;
}
