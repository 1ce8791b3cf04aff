/* SPDX-License-Identifier: Apache-2.0 */

/* The location of a bucket, such as "s3://bucket/prefix". */

#include <string.h>

#include "apr_lib.h"
#include "apr_strings.h"

#include "s3/s3_location.h"

#define SCHEME        "s3://"
#define PREFIX_LENGTH 256

/* Whether a bucket's name has the form that all servers accept. */
static int bucket_valid(const char *bucket)
{
    apr_size_t length = strlen(bucket), i;

    for (i = 0; i < length; i++) {
        if (!apr_islower(bucket[i]) && !apr_isdigit(bucket[i])
            && (!strchr(".-", bucket[i]) || i == 0 || i == length - 1)) {
            return 0;
        }
    }
    return length >= 3 && length <= 63 && !strstr(bucket, "..");
}

/* Whether a prefix means the same to all servers: some do not encode other
 * characters in listings as they should. */
static int prefix_valid(const char *prefix)
{
    const char *segment = prefix;
    const char *p;

    for (p = prefix;; p++) {
        if (*p == '/' || !*p) {
            apr_size_t length = p - segment;

            if (!length || (length <= 2 && !strncmp(segment, "..", length))) {
                return 0;
            }
            segment = p + 1;
        }
        if (!*p) {
            return p - prefix <= PREFIX_LENGTH;
        }
        if (!apr_isalnum(*p) && !strchr("-._~=/", *p)) {
            return 0;
        }
    }
}

const char *oci_s3_location_check(const char *location, apr_pool_t *pool)
{
    return location && !strncmp(location, SCHEME, strlen(SCHEME))
        ? NULL
        : apr_psprintf(pool,
                       "'%s' is not the location of a bucket: expected "
                       "s3://bucket or s3://bucket/prefix",
                       location ? location : "");
}

const char *oci_s3_location_parse(const char **bucket_part,
                                  const char **prefix_part,
                                  const char *location, apr_pool_t *pool)
{
    const char *error = oci_s3_location_check(location, pool);
    char *bucket, *prefix;
    apr_size_t length;

    if (error) {
        return error;
    }
    bucket = apr_pstrdup(pool, location + strlen(SCHEME));
    prefix = strchr(bucket, '/');
    if (prefix) {
        *prefix++ = '\0';
        length = strlen(prefix);
        if (length && prefix[length - 1] == '/') {
            prefix[length - 1] = '\0';
        }
    }
    if (!bucket_valid(bucket)) {
        return apr_psprintf(pool,
                            "'%s' is not a valid name of a bucket: expected 3 "
                            "to 63 lower-case letters, digits, '-' and '.'",
                            bucket);
    }
    if (prefix && *prefix && !prefix_valid(prefix)) {
        return apr_psprintf(pool,
                            "'%s' is not a valid prefix: expected up to %d "
                            "letters, digits, '-', '.', '_', '~', '=' and '/', "
                            "and no segment that is empty, '.' or '..'",
                            prefix, PREFIX_LENGTH);
    }
    *bucket_part = bucket;
    *prefix_part = prefix && *prefix ? apr_pstrcat(pool, prefix, "/", NULL)
                                     : "";
    return NULL;
}
