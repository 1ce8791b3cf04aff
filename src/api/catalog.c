/* SPDX-License-Identifier: Apache-2.0 */

/* /v2/_catalog: the repositories that the caller may see. */

#include "api/endpoints.h"
#include "api/list.h"
#include "registry/repository.h"

/* The largest number of names that are looked up together.  The first batch has
 * the size of the page; each further one, needed because the caller may not see
 * all names, is twice as large. */
#define BATCH 1000

/* List the names that the caller may see.
 * @param last Only the names after this one; NULL for all
 * @param fetch The largest number of names */
static oci_error_t *list_visible(apr_array_header_t **names,
                                 oci_request_t *request, const char *last,
                                 int fetch)
{
    apr_pool_t *pool = request->r->pool;
    apr_array_header_t *batch;
    int size = fetch < BATCH ? fetch : BATCH;
    int batch_full, i;

    if (request->lists_all) {
        return oci_repository_list(names, &request->registry, last, fetch,
                                   pool);
    }
    *names = apr_array_make(pool, 16, sizeof(const char *));
    do {
        oci_error_t *error = oci_repository_list(&batch, &request->registry,
                                                 last, size, pool);

        if (error) {
            return error;
        }
        for (i = 0; i < batch->nelts; i++) {
            last = APR_ARRAY_IDX(batch, i, const char *);
            if (request->may_list(request, last)) {
                APR_ARRAY_PUSH(*names, const char *) = last;
                if ((*names)->nelts == fetch) {
                    return NULL;
                }
            }
        }
        batch_full = batch->nelts == size;
        size = size < BATCH / 2 ? 2 * size : BATCH;
    } while (batch_full);
    return NULL;
}

/* GET /v2/_catalog?n=<n>&last=<name> */
oci_error_t *oci_catalog_get(oci_request_t *request)
{
    apr_array_header_t *names;
    oci_page_t page;
    oci_error_t *error;
    int fetch;

    if ((error = oci_list_page(&page, &fetch, request))) {
        return error;
    }
    error = list_visible(&names, request, page.last, fetch);
    return error ? error
                 : oci_list_reply(request, "{\"repositories\":[", names, &page,
                                  "_catalog");
}
