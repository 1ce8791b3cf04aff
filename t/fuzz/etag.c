/* SPDX-License-Identifier: Apache-2.0 */

/* Fuzz the matching of entity tags.  Input: a tag without its quotes, a
 * newline, and the list of a precondition. */

#undef NDEBUG
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "apr_general.h"
#include "apr_strings.h"

#include "values/etag.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool;
    char *value, *list;

    apr_initialize();
    apr_pool_create(&pool, NULL);

    value = apr_pstrmemdup(pool, (const char *)data, size);
    list = strchr(value, '\n');
    if (list) {
        *list++ = '\0';

        /* No list matches a missing entity, and a strong match is also a weak
         * one. */
        assert(!oci_etag_match(list, NULL, 0));
        assert(!oci_etag_match(list, NULL, 1));
        assert(!oci_etag_match(list, value, 0)
               || oci_etag_match(list, value, 1));
        if (!strchr(value, '"')) {
            assert(oci_etag_match(apr_pstrcat(pool, "\"", value, "\", ", list,
                                              NULL),
                                  value, 0));
        }
    }

    apr_pool_destroy(pool);
    apr_terminate();
    return 0;
}
