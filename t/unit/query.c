/* SPDX-License-Identifier: Apache-2.0 */

/* Parsing query strings, and the parameters of a page. */

#include "start_pool.h"
#include "tap.h"

#include <limits.h>

#include "apr_strings.h"

#include "values/query.h"

/* A query, and its parameters, each as "key=value;"; NULL for an error. */
static const struct {
    const char *text;
    const char *parameters;
} queries[] = {
    { NULL, "" },
    { "", "" },
    { "&&", "" },
    { "n=5", "n=5;" },
    { "n=5&last=a", "n=5;last=a;" },
    { "&n=5&&last=a&", "n=5;last=a;" },
    { "tag=a&tag=b&tag=a", "tag=a;tag=b;tag=a;" },
    { "a", "a=;" },
    { "a=", "a=;" },
    { "=a", "=a;" },
    { "a=b=c", "a=b=c;" },
    { "a=b+c%20d", "a=b c d;" },
    { "a=%2B%2b", "a=++;" },
    { "a%3D=%26%3d", "a==&=;" },
    { "digest=sha256%3Aab&x=1", "digest=sha256:ab;x=1;" },
    { "from=a%2Fb%2Fc", "from=a/b/c;" },
    { "a=%c3%a4%ff", "a=\xc3\xa4\xff;" },
    { "a=%0d%0a", "a=\r\n;" },
    { "a=%2525", "a=%25;" },
    { "a=%00", NULL },
    { "%00=a", NULL },
    { "a=x%00y", NULL },
    { "a=%", NULL },
    { "a=%2", NULL },
    { "a=%2&b=1", NULL },
    { "a=%zz", NULL },
    { "a=%2g", NULL },
    { "a=%%32", NULL },
    { "a=% 2", NULL },
    { "%=a", NULL },
    { "n=1&a=%", NULL },
};

static const struct {
    const char *query;
    int given;
    int limit; /* or -1 for an error */
    const char *last;
} pages[] = {
    { "", 0, 0, NULL },
    { "last=x", 0, 0, "x" },
    { "last=", 0, 0, "" },
    { "n=0", 1, 0, NULL },
    { "n=1", 1, 1, NULL },
    { "n=007", 1, 7, NULL },
    { "n=100&last=v1.0", 1, 100, "v1.0" },
    { "n=2147483646", 1, INT_MAX - 1, NULL },
    { "n=2147483647", 1, INT_MAX, NULL },
    { "n=2147483648", 1, INT_MAX, NULL },
    { "n=4294967296", 1, INT_MAX, NULL },
    { "n=18446744073709551617", 1, INT_MAX, NULL },
    { "n=99999999999999999999999999999999999999999", 1, INT_MAX, NULL },
    { "n=", 0, 0, NULL },
    { "n=-1", 1, -1, NULL },
    { "n=%2B1", 1, -1, NULL },
    { "n=+1", 1, -1, NULL },
    { "n=1+", 1, -1, NULL },
    { "n=1.5", 1, -1, NULL },
    { "n=0x10", 1, -1, NULL },
    { "n=a", 1, -1, NULL },
};

static const char *text_of(const apr_table_t *query, apr_pool_t *pool)
{
    const apr_array_header_t *array = apr_table_elts(query);
    const char *text = "";
    int i;

    for (i = 0; i < array->nelts; i++) {
        const apr_table_entry_t *entry = &APR_ARRAY_IDX(array, i,
                                                        apr_table_entry_t);

        text = apr_pstrcat(pool, text, entry->key, "=", entry->val, ";", NULL);
    }
    return text;
}

int main(void)
{
    tap_t tap = { 0, 0 };
    apr_table_t *query;
    apr_pool_t *pool = start_pool();
    size_t i;

    for (i = 0; i < sizeof(queries) / sizeof(*queries); i++) {
        apr_status_t status = oci_query_parse(&query, queries[i].text, pool);
        const char *name = queries[i].text ? queries[i].text : "no query";

        if (queries[i].parameters) {
            tap_ok(&tap, status == APR_SUCCESS, "\"%s\" is read", name);
            tap_is(&tap, text_of(query, pool), queries[i].parameters,
                   "its parameters");
        }
        else {
            tap_ok(&tap, status == APR_EINVAL, "\"%s\" is refused", name);
        }
    }

    for (i = 0; i < sizeof(pages) / sizeof(*pages); i++) {
        apr_status_t status;
        oci_page_t page;

        oci_query_parse(&query, pages[i].query, pool);
        status = oci_page_parse(&page, query);
        if (pages[i].limit < 0) {
            tap_ok(&tap, status == APR_EINVAL, "page \"%s\" is refused",
                   pages[i].query);
            continue;
        }
        tap_ok(&tap,
               status == APR_SUCCESS && page.given == pages[i].given
                   && page.limit == pages[i].limit,
               "page \"%s\" is read", pages[i].query);
        tap_is(&tap, page.last, pages[i].last, "the value of last");
    }
    return tap_done(&tap);
}
