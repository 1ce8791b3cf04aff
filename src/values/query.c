/* SPDX-License-Identifier: Apache-2.0 */

/* Parsing a URL's query string, and the parameters of a page. */

#include "values/query.h"

#include <limits.h>
#include <string.h>

#include "apr_escape.h"
#include "apr_strings.h"

static apr_status_t decode_in_place(char *text)
{
    apr_status_t rv = apr_unescape_url(text, text, APR_ESCAPE_STRING, NULL,
                                       NULL, 1, NULL);

    /* APR_NOTFOUND means that there was nothing to decode. */
    return rv == APR_SUCCESS || rv == APR_NOTFOUND ? APR_SUCCESS : APR_EINVAL;
}

apr_status_t oci_query_parse(apr_table_t **query, const char *text,
                             apr_pool_t *pool)
{
    char *pair, *state;

    *query = apr_table_make(pool, 4);
    if (!text) {
        return APR_SUCCESS;
    }
    for (pair = apr_strtok(apr_pstrdup(pool, text), "&", &state); pair;
         pair = apr_strtok(NULL, "&", &state)) {
        char *value = strchr(pair, '=');

        if (value) {
            *value++ = '\0';
        }
        else {
            value = pair + strlen(pair);
        }
        if (decode_in_place(pair) != APR_SUCCESS
            || decode_in_place(value) != APR_SUCCESS) {
            return APR_EINVAL;
        }
        apr_table_addn(*query, pair, value);
    }
    return APR_SUCCESS;
}

apr_status_t oci_page_parse(oci_page_t *page, const apr_table_t *query)
{
    const char *n = apr_table_get(query, "n");

    page->given = n && *n;
    page->limit = 0;
    page->last = apr_table_get(query, "last");
    if (!page->given) {
        return APR_SUCCESS;
    }
    if (n[strspn(n, "0123456789")]) {
        return APR_EINVAL;
    }
    for (; *n; n++) {
        int digit = *n - '0';

        page->limit = page->limit > (INT_MAX - digit) / 10
            ? INT_MAX
            : page->limit * 10 + digit;
    }
    return APR_SUCCESS;
}
