/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file route.h
 * @brief What a path below /v2 asks for
 */

#ifndef OCI_ROUTE_H
#define OCI_ROUTE_H

#include "apr_pools.h"

typedef enum {
    OCI_ROUTE_NONE, /* nothing that the specification knows */
    OCI_ROUTE_BASE,
    OCI_ROUTE_CATALOG,
    OCI_ROUTE_TAGS,
    OCI_ROUTE_MANIFEST,
    OCI_ROUTE_BLOB,
    OCI_ROUTE_UPLOADS, /* where uploads begin */
    OCI_ROUTE_UPLOAD,  /* one upload */
    OCI_ROUTE_REFERRERS
} oci_route_e;

typedef struct oci_route_t {
    oci_route_e endpoint;
    const char *name;      /* the repository as written, or NULL */
    const char *reference; /* tag, digest or upload as written, or NULL */
} oci_route_t;

/**
 * Take a decoded path apart, from its end, since a repository's name may
 * hold any of the words.  Nothing is checked but the form:
 *
 *     ""  "/"                               base
 *     /_catalog                             catalog
 *     /<name>/tags/list                     tags
 *     /<name>/manifests/<reference>         manifest
 *     /<name>/blobs/uploads  (and "/")      uploads
 *     /<name>/blobs/uploads/<id>            upload
 *     /<name>/blobs/<digest>                blob
 *     /<name>/referrers/<digest>            referrers
 *
 * @param route Filled in
 * @param path What follows "/v2"
 * @param pool For the parts
 */
void oci_route_parse(oci_route_t *route, const char *path, apr_pool_t *pool);

#endif /* OCI_ROUTE_H */
