/* SPDX-License-Identifier: Apache-2.0 */

/* /v2/<name>/referrers/<digest>: the manifests whose subject has this
 * digest. */

#include "http_protocol.h"
#include "util_filter.h"
#include "apr_strings.h"

#include "api/endpoints.h"
#include "api/reply.h"
#include "registry/referrer.h"

/* The largest total of descriptors in a page.  The reply is an image index, of
 * which clients accept at most 4 MiB.  Some clients follow no Link. */
#define PAGE_BYTES (OCI_REPLY_LIST_MAX - sizeof(HEAD) - sizeof(TAIL))

#define HEAD                              \
    "{\"schemaVersion\":2,\"mediaType\":" \
    "\"application/vnd.oci.image.index.v1+json\",\"manifests\":["
#define TAIL "]}\n"

/* Link to the next page, with the same filter. */
static void link_next(oci_request_t *request, const char *last,
                      const char *artifact_type)
{
    apr_pool_t *pool = request->r->pool;
    const char *query = apr_pstrcat(pool, "last=", last, NULL);

    if (artifact_type) {
        query = apr_pstrcat(pool, query, "&artifactType=",
                            ap_escape_urlencoded(pool, artifact_type), NULL);
    }
    oci_reply_next(request,
                   apr_pstrcat(pool, request->route.name, "/referrers/",
                               request->route.reference, NULL),
                   query);
}

/* GET /v2/<name>/referrers/<digest>?artifactType=<type> */
oci_error_t *oci_referrers_get(oci_request_t *request)
{
    request_rec *r = request->r;
    oci_referrer_query_t query = {
        .subject = request->route.reference,
        .artifact_type = apr_table_get(request->query, "artifactType"),
        .after = apr_table_get(request->query, "last"),
        .bytes = PAGE_BYTES,
    };
    const char *last = NULL;
    apr_array_header_t *referrers;
    apr_bucket_brigade *bb;
    apr_off_t length;
    oci_error_t *error;
    int more;
    int i;

    if (query.artifact_type && !*query.artifact_type) {
        query.artifact_type = NULL;
    }
    error = oci_referrer_list(&referrers, &more, &request->repository, &query,
                              r->pool);
    if (error) {
        return error;
    }
    bb = apr_brigade_create(r->pool, r->connection->bucket_alloc);
    apr_brigade_puts(bb, NULL, NULL, HEAD);
    for (i = 0; i < referrers->nelts; i++) {
        const oci_referrer_t *referrer = &APR_ARRAY_IDX(referrers, i,
                                                        oci_referrer_t);

        apr_brigade_putstrs(bb, NULL, NULL, i ? "," : "", referrer->descriptor,
                            NULL);
        last = referrer->digest;
    }
    apr_brigade_puts(bb, NULL, NULL, TAIL);
    apr_brigade_length(bb, 1, &length);
    if (more) {
        link_next(request, last, query.artifact_type);
    }
    if (query.artifact_type) {
        oci_reply_header(request, "OCI-Filters-Applied", "artifactType");
    }
    ap_set_content_type(r, "application/vnd.oci.image.index.v1+json");
    return oci_reply_brigade(request, HTTP_OK, bb, length);
}
