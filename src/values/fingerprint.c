/* SPDX-License-Identifier: Apache-2.0 */

/* A 60-bit number that identifies a text. */

#include <string.h>

#include "apr_strings.h"

#include "values/digest.h"
#include "values/fingerprint.h"

#define DIGITS 15 /* hex digits: 60 bits */

apr_int64_t oci_fingerprint(const char *text, apr_pool_t *pool)
{
    const char *digest = oci_digest_of(OCI_SHA256, text, strlen(text), pool);

    return apr_strtoi64(apr_pstrmemdup(pool, strchr(digest, ':') + 1, DIGITS),
                        NULL, 16);
}
