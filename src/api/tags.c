/* SPDX-License-Identifier: Apache-2.0 */

/* /v2/<name>/tags/list: the tags of a repository. */

#include "apr_strings.h"

#include "api/endpoints.h"
#include "api/list.h"
#include "registry/tag.h"

/* GET /v2/<name>/tags/list?n=<n>&last=<tag> */
oci_error_t *oci_tags_get(oci_request_t *request)
{
    apr_pool_t *pool = request->r->pool;
    const char *name = request->route.name;
    const char *head = apr_pstrcat(pool, "{\"name\":\"", name, "\",\"tags\":[",
                                   NULL);
    apr_array_header_t *tags;
    oci_page_t page;
    oci_error_t *error;
    int fetch;

    if ((error = oci_list_page(&page, &fetch, request))) {
        return error;
    }
    error = oci_tag_list(&tags, &request->repository, page.last, fetch, pool);
    return error ? error
                 : oci_list_reply(request, head, tags, &page,
                                  apr_pstrcat(pool, name, "/tags/list", NULL));
}
