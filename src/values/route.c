/* SPDX-License-Identifier: Apache-2.0 */

/* What a path below /v2 asks for. */

#include "values/route.h"

#include <string.h>

#include "apr_strings.h"

/* What stands between a name and the reference, where there is one, or the
 * end.  The first that fits wins, so the longer forms come first.
 */
static const struct {
    oci_route_e endpoint;
    const char *words;
    int reference; /* whether one follows */
} forms[] = {
    { OCI_ROUTE_UPLOAD, "/blobs/uploads/", 1 },
    { OCI_ROUTE_UPLOADS, "/blobs/uploads/", 0 },
    { OCI_ROUTE_UPLOADS, "/blobs/uploads", 0 },
    { OCI_ROUTE_TAGS, "/tags/list", 0 },
    { OCI_ROUTE_MANIFEST, "/manifests/", 1 },
    { OCI_ROUTE_BLOB, "/blobs/", 1 },
    { OCI_ROUTE_REFERRERS, "/referrers/", 1 },
};

/* The bytes of name in "/" name words, or 0 where the path is not such. */
static apr_size_t name_length(const char *path, apr_size_t length,
                              const char *words)
{
    apr_size_t words_length = strlen(words);

    if (length <= words_length + 1
        || memcmp(path + length - words_length, words, words_length)) {
        return 0;
    }
    return length - words_length - 1;
}

void oci_route_parse(oci_route_t *route, const char *path, apr_pool_t *pool)
{
    const char *end = path + strlen(path);
    const char *last;
    apr_size_t i;

    memset(route, 0, sizeof(*route));
    route->endpoint = OCI_ROUTE_NONE;

    if (!*path || !strcmp(path, "/")) {
        route->endpoint = OCI_ROUTE_BASE;
        return;
    }
    if (!strcmp(path, "/_catalog")) {
        route->endpoint = OCI_ROUTE_CATALOG;
        return;
    }
    if (*path != '/') {
        return;
    }

    last = strrchr(path, '/') + 1;
    for (i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
        const char *stop = forms[i].reference ? last : end;
        apr_size_t length = name_length(path, stop - path, forms[i].words);

        if (!length || (forms[i].reference && !*last)) {
            continue;
        }
        route->endpoint = forms[i].endpoint;
        route->name = apr_pstrmemdup(pool, path + 1, length);
        if (forms[i].reference) {
            route->reference = apr_pstrdup(pool, last);
        }
        return;
    }
}
