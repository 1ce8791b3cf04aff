/* SPDX-License-Identifier: Apache-2.0 */

/* Fuzz the parsers of ranges.  Input: the size of the content, a space, and the
 * value of a Range or a Content-Range header.
 */

#undef NDEBUG
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "apr_general.h"
#include "apr_strings.h"

#include "values/range.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_ranges(const char *text, apr_off_t size, apr_pool_t *pool)
{
    apr_array_header_t *ranges;
    apr_off_t left = size;
    int i;

    if (oci_ranges_parse(&ranges, text, size, pool)) {
        return;
    }
    assert(ranges->nelts > 0);
    for (i = 0; i < ranges->nelts; i++) {
        const oci_range_t *range = &APR_ARRAY_IDX(ranges, i, oci_range_t);

        assert(range->first >= 0 && range->first < size);
        assert(range->length >= 1 && range->length <= size - range->first);
        assert(range->length <= left);
        left -= range->length;
    }
}

static void check_content_range(const char *text, apr_pool_t *pool)
{
    oci_range_t range, again;

    if (oci_content_range_parse(&range, text)) {
        return;
    }
    assert(range.first >= 0 && range.length >= 1);
    assert(!oci_content_range_parse(&again,
                                    apr_psprintf(pool,
                                                 "%" APR_OFF_T_FMT
                                                 "-%" APR_OFF_T_FMT,
                                                 range.first,
                                                 range.first
                                                     + (range.length - 1))));
    assert(again.first == range.first && again.length == range.length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool;
    apr_int64_t content_size;
    char *text, *end;

    apr_initialize();
    apr_pool_create(&pool, NULL);

    text = apr_pstrmemdup(pool, (const char *)data, size);
    content_size = apr_strtoi64(text, &end, 10);
    if (content_size >= 0 && *end == ' ') {
        check_ranges(end + 1, content_size, pool);
        check_content_range(end + 1, pool);
    }

    apr_pool_destroy(pool);
    apr_terminate();
    return 0;
}
