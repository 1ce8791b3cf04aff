/* SPDX-License-Identifier: Apache-2.0 */

/* Fuzz the text of a place in a list of tags.  Input: the text. */

#undef NDEBUG
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "apr_general.h"
#include "apr_strings.h"

#include "values/tag_cursor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    oci_tag_cursor_t cursor, again;
    apr_pool_t *pool;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    if (oci_tag_cursor_parse(&cursor,
                             apr_pstrmemdup(pool, (const char *)data, size))
        == APR_SUCCESS) {
        assert(cursor.seconds >= 0);
        assert(oci_tag_valid(cursor.tag));
        assert(
            oci_tag_cursor_parse(&again, oci_tag_cursor_format(&cursor, pool))
            == APR_SUCCESS);
        assert(!oci_tag_cursor_compare(&cursor, &again));
    }
    apr_pool_destroy(pool);
    apr_terminate();
    return 0;
}
