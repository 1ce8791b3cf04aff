/* SPDX-License-Identifier: Apache-2.0 */

/* Parsing a path below /v2: endpoint, repository name, reference. */

#include "values/route.h"

#include <string.h>

#include "apr_strings.h"

/* The text between a name and the reference or, without a reference, the end of
 * the path.  The first match counts, so longer forms come first.
 */
static const struct {
    oci_route_e endpoint;
    const char *suffix;
    int reference; /* whether a reference follows */
} forms[] = {
    { OCI_ROUTE_UPLOAD, "/blobs/uploads/", 1 },
    { OCI_ROUTE_UPLOADS, "/blobs/uploads/", 0 },
    { OCI_ROUTE_UPLOADS, "/blobs/uploads", 0 },
    { OCI_ROUTE_TAGS, "/tags/list", 0 },
    { OCI_ROUTE_TAG_DETAILS, "/_mod_oci/tags", 0 },
    { OCI_ROUTE_MANIFEST_DETAILS, "/_mod_oci/manifests/", 1 },
    { OCI_ROUTE_MANIFEST, "/manifests/", 1 },
    { OCI_ROUTE_BLOB, "/blobs/", 1 },
    { OCI_ROUTE_REFERRERS, "/referrers/", 1 },
};

/* Return the length of name in a path "/" name suffix; 0 if the path has
 * another form. */
static apr_size_t name_length(const char *path, apr_size_t length,
                              const char *suffix)
{
    apr_size_t suffix_length = strlen(suffix);

    if (length <= suffix_length + 1
        || memcmp(path + length - suffix_length, suffix, suffix_length)) {
        return 0;
    }
    return length - suffix_length - 1;
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
        apr_size_t length = name_length(path, stop - path, forms[i].suffix);

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
