/* SPDX-License-Identifier: Apache-2.0 */

/* The keys of a store "s3". */

#include <string.h>

#include "apr_general.h"
#include "apr_strings.h"

#include "s3/s3_store_key.h"

#define ID_LENGTH    64 /* the most characters in the id of an upload */
#define RANDOM_BYTES 8  /* at the end of a key */
#define BYTES_MAX    32

apr_status_t oci_s3_store_random(const char **text, int bytes, apr_pool_t *pool)
{
    unsigned char random[BYTES_MAX];
    char *digits = apr_palloc(pool, 2 * bytes + 1);
    apr_status_t rv = apr_generate_random_bytes(random, bytes);
    int i;

    for (i = 0; rv == APR_SUCCESS && i < bytes; i++) {
        apr_snprintf(digits + 2 * i, 3, "%02x", random[i]);
    }
    *text = digits;
    return rv;
}

apr_status_t oci_s3_store_key(const char **key, const char *directory,
                              const char *id, apr_pool_t *pool)
{
    const char *random;
    apr_status_t rv = oci_s3_store_random(&random, RANDOM_BYTES, pool);

    if (rv == APR_SUCCESS) {
        *key = apr_psprintf(pool, "%s%s%c%s", directory, id, OCI_S3_MARK,
                            random);
    }
    return rv;
}

int oci_s3_store_is_key(const char *key, const char *directory)
{
    apr_size_t length = strlen(directory);
    const char *id, *random;

    if (strncmp(key, directory, length)) {
        return 0;
    }
    id = key + length;
    length = strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789-");
    if (length < 1 || length > ID_LENGTH || id[length] != OCI_S3_MARK) {
        return 0;
    }
    random = id + length + 1;
    return strspn(random, "0123456789abcdef") == 2 * RANDOM_BYTES
        && !random[2 * RANDOM_BYTES];
}
