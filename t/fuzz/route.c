/* SPDX-License-Identifier: Apache-2.0 */

/* Fuzz the parser of paths.  Input: a path below /v2, "?", and a query string.
 */

#undef NDEBUG
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "apr_general.h"
#include "apr_strings.h"

#include "values/name.h"
#include "values/query.h"
#include "values/route.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Build the path with a route's endpoint, name and reference. */
static const char *path_of(const oci_route_t *route, apr_pool_t *pool)
{
    static const char *const words[] = {
        NULL,
        "/",
        "/_catalog",
        "/tags/list",
        "/manifests/",
        "/blobs/",
        "/blobs/uploads/",
        "/blobs/uploads/",
        "/referrers/",
        "/_mod_oci/tags",
        "/_mod_oci/manifests/",
    };

    if (!route->name) {
        return words[route->endpoint];
    }
    return apr_pstrcat(pool, "/", route->name, words[route->endpoint],
                       route->reference, NULL);
}

static void check_route(const char *path, apr_pool_t *pool)
{
    oci_route_t route, again;

    oci_route_parse(&route, path, pool);
    if (route.endpoint == OCI_ROUTE_NONE) {
        assert(!route.name && !route.reference);
        return;
    }

    /* The path that is built from a route has the same route. */
    oci_route_parse(&again, path_of(&route, pool), pool);
    assert(again.endpoint == route.endpoint);
    assert(!route.name == !again.name);
    assert(!route.reference == !again.reference);
    if (route.name) {
        assert(*route.name && !strcmp(route.name, again.name));
        oci_name_valid(route.name);
    }
    if (route.reference) {
        assert(*route.reference && !strchr(route.reference, '/'));
        assert(!strcmp(route.reference, again.reference));
        oci_tag_valid(route.reference);
    }
}

static void check_query(const char *text, apr_pool_t *pool)
{
    apr_table_t *query;
    oci_page_t page;

    if (!oci_query_parse(&query, text, pool) && !oci_page_parse(&page, query)) {
        assert(page.limit >= 0 && (page.given || !page.limit));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool;
    char *path, *query;

    apr_initialize();
    apr_pool_create(&pool, NULL);

    path = apr_pstrmemdup(pool, (const char *)data, size);
    query = strchr(path, '?');
    if (query) {
        *query++ = '\0';
    }
    check_route(path, pool);
    check_query(query, pool);

    apr_pool_destroy(pool);
    apr_terminate();
    return 0;
}
