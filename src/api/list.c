/* SPDX-License-Identifier: Apache-2.0 */

/* Lists of names, complete or in pages. */

#include <string.h>

#include "apr_strings.h"

#include "api/list.h"
#include "api/reply.h"

/* The shortest name in a reply, with its quotes and a comma, in bytes. */
#define NAME_MIN 4

oci_error_t *oci_list_page(oci_page_t *page, int *fetch, oci_request_t *request)
{
    if (oci_page_parse(page, request->query) != APR_SUCCESS) {
        return oci_error_make(request->r->pool, OCI_E_REQUEST_INVALID, "n",
                              apr_table_get(request->query, "n"),
                              "n must be a number, 0 or more");
    }
    *fetch = OCI_REPLY_LIST_MAX / NAME_MIN + 1;
    if (page->given && page->limit < *fetch) {
        *fetch = page->limit + 1;
    }
    return NULL;
}

oci_error_t *oci_list_reply(oci_request_t *request, const char *head,
                            const apr_array_header_t *names,
                            const oci_page_t *page, const char *path)
{
    apr_pool_t *pool = request->r->pool;
    int limit = page->given && names->nelts > page->limit ? page->limit
                                                          : names->nelts;
    apr_size_t size = strlen(head) + 3;
    char *body, *p;
    int count, i;

    for (count = 0; count < limit; count++) {
        apr_size_t length = strlen(APR_ARRAY_IDX(names, count, const char *));

        if (size + length + 3 > OCI_REPLY_LIST_MAX) {
            break;
        }
        size += length + 3;
    }
    p = body = apr_palloc(pool, size + 1);
    p = apr_cpystrn(p, head, size + 1);
    for (i = 0; i < count; i++) {
        if (i) {
            *p++ = ',';
        }
        *p++ = '"';
        p = apr_cpystrn(p, APR_ARRAY_IDX(names, i, const char *),
                        body + size + 1 - p);
        *p++ = '"';
    }
    p = apr_cpystrn(p, "]}\n", body + size + 1 - p);

    if (count && count < names->nelts) {
        oci_reply_next(request, path,
                       apr_psprintf(pool, "n=%d&last=%s", count,
                                    APR_ARRAY_IDX(names, count - 1,
                                                  const char *)));
    }
    return oci_reply_data(request, "application/json", body, p - body);
}
