/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file route.h
 * @brief Parsing a path below /v2: endpoint, repository name, reference
 */

#ifndef OCI_ROUTE_H
#define OCI_ROUTE_H

#include "apr_pools.h"

typedef enum {
    OCI_ROUTE_NONE, /* not an endpoint */
    OCI_ROUTE_BASE,
    OCI_ROUTE_CATALOG,
    OCI_ROUTE_TAGS,
    OCI_ROUTE_MANIFEST,
    OCI_ROUTE_BLOB,
    OCI_ROUTE_UPLOADS, /* new upload sessions */
    OCI_ROUTE_UPLOAD,  /* an existing upload session */
    OCI_ROUTE_REFERRERS,
    OCI_ROUTE_TAG_DETAILS,
    OCI_ROUTE_MANIFEST_DETAILS
} oci_route_e;

typedef struct oci_route_t {
    oci_route_e endpoint;
    const char *name;      /* the repository, not validated; or NULL */
    const char *reference; /* a tag, digest or upload id, not validated; or
                            * NULL */
} oci_route_t;

/**
 * Parse a decoded path.  It is matched from its end, because a repository name
 * may contain any of the words.  Names and references are not validated:
 *
 *     ""  "/"                               base
 *     /_catalog                             catalog
 *     /<name>/tags/list                     tags
 *     /<name>/manifests/<reference>         manifest
 *     /<name>/blobs/uploads  (and "/")      uploads
 *     /<name>/blobs/uploads/<id>            upload
 *     /<name>/blobs/<digest>                blob
 *     /<name>/referrers/<digest>            referrers
 *     /<name>/_mod_oci/tags                 tag details
 *     /<name>/_mod_oci/manifests/<reference>   manifest details
 *
 * @param route Filled in; the strings live in pool
 * @param path The part of the URL's path that follows "/v2"
 */
void oci_route_parse(oci_route_t *route, const char *path, apr_pool_t *pool);

#endif /* OCI_ROUTE_H */
