/* SPDX-License-Identifier: Apache-2.0 */

/* Fuzz the parser of query strings.  Input: a query string. */

#undef NDEBUG
#include <assert.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>

#include "apr_general.h"
#include "apr_strings.h"

#include "values/query.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Write each byte of a text as an escape. */
static const char *escape(const char *text, apr_pool_t *pool)
{
    static const char hex[] = "0123456789aBcDeF";
    char *escaped = apr_palloc(pool, 3 * strlen(text) + 1), *out = escaped;

    for (; *text; text++) {
        *out++ = '%';
        *out++ = hex[(unsigned char)*text >> 4];
        *out++ = hex[*text & 15];
    }
    *out = '\0';
    return escaped;
}

/* Check that the parameters are the same if they are all escaped. */
static void check_again(const apr_table_t *query, apr_pool_t *pool)
{
    const apr_array_header_t *list = apr_table_elts(query);
    apr_table_t *again;
    char *text = "";
    int i;

    for (i = 0; i < list->nelts; i++) {
        const apr_table_entry_t *entry = &APR_ARRAY_IDX(list, i,
                                                        apr_table_entry_t);

        text = apr_pstrcat(pool, text, "&", escape(entry->key, pool), "=",
                           escape(entry->val, pool), NULL);
    }
    assert(!oci_query_parse(&again, text, pool));
    assert(apr_table_elts(again)->nelts == list->nelts);
    for (i = 0; i < list->nelts; i++) {
        const apr_table_entry_t *entry = &APR_ARRAY_IDX(list, i,
                                                        apr_table_entry_t);
        const apr_table_entry_t *other = &APR_ARRAY_IDX(apr_table_elts(again),
                                                        i, apr_table_entry_t);

        assert(!strcmp(entry->key, other->key));
        assert(!strcmp(entry->val, other->val));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_table_t *query;
    oci_page_t page;
    apr_pool_t *pool;
    const char *text;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    text = apr_pstrmemdup(pool, (const char *)data, size);
    if (!oci_query_parse(&query, text, pool)) {
        if (apr_table_elts(query)->nelts < 50) {
            check_again(query, pool);
        }
        if (!oci_page_parse(&page, query)) {
            assert(page.limit >= 0 && (page.given || !page.limit));
            assert(!page.last
                   || !strcmp(page.last, apr_table_get(query, "last")));
        }
    }
    apr_pool_destroy(pool);
    apr_terminate();
    return 0;
}
