/* SPDX-License-Identifier: Apache-2.0 */

/* Parsing paths below /v2. */

#include "start_pool.h"
#include "tap.h"

#include "values/route.h"

#define D     \
    "sha256:" \
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static const struct {
    const char *path;
    oci_route_e endpoint;
    const char *name;
    const char *reference;
} cases[] = {
    { "", OCI_ROUTE_BASE, NULL, NULL },
    { "/", OCI_ROUTE_BASE, NULL, NULL },
    { "/_catalog", OCI_ROUTE_CATALOG, NULL, NULL },

    { "/a/tags/list", OCI_ROUTE_TAGS, "a", NULL },
    { "/a/b/c/tags/list", OCI_ROUTE_TAGS, "a/b/c", NULL },
    { "/a/manifests/latest", OCI_ROUTE_MANIFEST, "a", "latest" },
    { "/a/manifests/" D, OCI_ROUTE_MANIFEST, "a", D },
    { "/a/b/blobs/" D, OCI_ROUTE_BLOB, "a/b", D },
    { "/a/blobs/uploads", OCI_ROUTE_UPLOADS, "a", NULL },
    { "/a/blobs/uploads/", OCI_ROUTE_UPLOADS, "a", NULL },
    { "/a/blobs/uploads/1-2", OCI_ROUTE_UPLOAD, "a", "1-2" },
    { "/a/referrers/" D, OCI_ROUTE_REFERRERS, "a", D },
    { "/a/b/_mod_oci/tags", OCI_ROUTE_TAG_DETAILS, "a/b", NULL },
    { "/a/_mod_oci/manifests/v1", OCI_ROUTE_MANIFEST_DETAILS, "a", "v1" },
    { "/a/b/_mod_oci/manifests/" D, OCI_ROUTE_MANIFEST_DETAILS, "a/b", D },
    { "/a/_mod_oci/blobs/" D, OCI_ROUTE_BLOB, "a/_mod_oci", D },
    { "/a/_mod_oci/tags/list", OCI_ROUTE_TAGS, "a/_mod_oci", NULL },

    /* A name may contain any of the words. */
    { "/blobs/uploads/manifests/latest", OCI_ROUTE_MANIFEST, "blobs/uploads",
      "latest" },
    { "/a/manifests/blobs/uploads/", OCI_ROUTE_UPLOADS, "a/manifests", NULL },
    { "/a/manifests/blobs/uploads", OCI_ROUTE_UPLOADS, "a/manifests", NULL },
    { "/uploads/blobs/" D, OCI_ROUTE_BLOB, "uploads", D },
    { "/blobs/blobs/uploads", OCI_ROUTE_UPLOADS, "blobs", NULL },
    { "/blobs/blobs/blobs", OCI_ROUTE_BLOB, "blobs", "blobs" },
    { "/a/blobs/uploads/blobs/uploads", OCI_ROUTE_UPLOADS, "a/blobs/uploads",
      NULL },
    { "/a/blobs/uploads/blobs/uploads/x", OCI_ROUTE_UPLOAD, "a/blobs/uploads",
      "x" },
    { "/a/blobs/uploads/blobs/" D, OCI_ROUTE_BLOB, "a/blobs/uploads", D },
    { "/a/blobs/uploads/uploads", OCI_ROUTE_UPLOAD, "a", "uploads" },
    { "/a/blobs/uploads/tags/list", OCI_ROUTE_TAGS, "a/blobs/uploads", NULL },
    { "/x/tags/list/manifests/list", OCI_ROUTE_MANIFEST, "x/tags/list",
      "list" },
    { "/a/tags/tags/list", OCI_ROUTE_TAGS, "a/tags", NULL },
    { "/tags/list/tags/list", OCI_ROUTE_TAGS, "tags/list", NULL },
    { "/a/manifests/tags/list", OCI_ROUTE_TAGS, "a/manifests", NULL },
    { "/a/referrers/referrers/" D, OCI_ROUTE_REFERRERS, "a/referrers", D },
    { "/a/referrers/manifests/referrers", OCI_ROUTE_MANIFEST, "a/referrers",
      "referrers" },
    { "/_catalog/tags/list", OCI_ROUTE_TAGS, "_catalog", NULL },

    /* Names and references are not validated. */
    { "/UPPER/manifests/x", OCI_ROUTE_MANIFEST, "UPPER", "x" },
    { "/a//b/blobs/x y", OCI_ROUTE_BLOB, "a//b", "x y" },
    { "/a//manifests/x", OCI_ROUTE_MANIFEST, "a/", "x" },
    { "/../blobs/x", OCI_ROUTE_BLOB, "..", "x" },

    /* No name, no reference, or not an endpoint. */
    { "/tags/list", OCI_ROUTE_NONE, NULL, NULL },
    { "/_mod_oci/tags", OCI_ROUTE_NONE, NULL, NULL },
    { "/a/_mod_oci/tags/", OCI_ROUTE_NONE, NULL, NULL },
    { "/_mod_oci/manifests/x", OCI_ROUTE_MANIFEST, "_mod_oci", "x" },
    { "/manifests/x", OCI_ROUTE_NONE, NULL, NULL },
    { "//manifests/x", OCI_ROUTE_NONE, NULL, NULL },
    { "/blobs/" D, OCI_ROUTE_NONE, NULL, NULL },
    { "/blobs/uploads", OCI_ROUTE_NONE, NULL, NULL },
    { "/blobs/uploads/", OCI_ROUTE_NONE, NULL, NULL },
    { "/blobs/uploads/x", OCI_ROUTE_NONE, NULL, NULL },
    { "/referrers/" D, OCI_ROUTE_NONE, NULL, NULL },
    { "/a/manifests/", OCI_ROUTE_NONE, NULL, NULL },
    { "/a/manifests", OCI_ROUTE_NONE, NULL, NULL },
    { "/a/manifests/x/", OCI_ROUTE_NONE, NULL, NULL },
    { "/a/blobs/", OCI_ROUTE_NONE, NULL, NULL },
    { "/a/blobs", OCI_ROUTE_NONE, NULL, NULL },
    { "/a/blobs/uploads//", OCI_ROUTE_NONE, NULL, NULL },
    { "/a/blobs/uploads/x/", OCI_ROUTE_NONE, NULL, NULL },
    { "/a/blobs/x/y", OCI_ROUTE_NONE, NULL, NULL },
    { "/a/tags", OCI_ROUTE_NONE, NULL, NULL },
    { "/a/tags/", OCI_ROUTE_NONE, NULL, NULL },
    { "/a/tags/list/", OCI_ROUTE_NONE, NULL, NULL },
    { "/a/tags/lists", OCI_ROUTE_NONE, NULL, NULL },
    { "/a/xtags/list", OCI_ROUTE_NONE, NULL, NULL },
    { "/a/xblobs/" D, OCI_ROUTE_NONE, NULL, NULL },
    { "/_catalog/", OCI_ROUTE_NONE, NULL, NULL },
    { "/_catalogs", OCI_ROUTE_NONE, NULL, NULL },
    { "/_CATALOG", OCI_ROUTE_NONE, NULL, NULL },
    { "/a", OCI_ROUTE_NONE, NULL, NULL },
    { "//", OCI_ROUTE_NONE, NULL, NULL },
    { "a/manifests/x", OCI_ROUTE_NONE, NULL, NULL },
};

int main(void)
{
    tap_t tap = { 0, 0 };
    apr_pool_t *pool = start_pool();
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        oci_route_t route;

        oci_route_parse(&route, cases[i].path, pool);
        tap_ok(&tap, route.endpoint == cases[i].endpoint, "endpoint of \"%s\"",
               cases[i].path);
        tap_is(&tap, route.name, cases[i].name, "its name");
        tap_is(&tap, route.reference, cases[i].reference, "its reference");
    }
    return tap_done(&tap);
}
