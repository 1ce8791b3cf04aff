/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file request.h
 * @brief A request to the registry, as its handlers see it
 */

#ifndef OCI_REQUEST_H
#define OCI_REQUEST_H

#include "httpd.h"
#include "ap_regex.h"

#include "registry/registry.h"
#include "values/route.h"

/** What an administrator decided, beside the stores. */
typedef struct oci_policy_t {
    const ap_regex_t *pattern; /* names must match it whole, or NULL */
    apr_off_t max_manifest;    /* bytes */
    apr_off_t max_chunk;       /* bytes of one request's body, 0: no limit */
    apr_off_t min_chunk;       /* bytes, announced, 0: nothing */
    int blob_delete;
    int manifest_delete;
    int tag_delete;
    int read_only;
} oci_policy_t;

typedef struct oci_request_t oci_request_t;
struct oci_request_t {
    request_rec *r;
    oci_registry_t registry;
    oci_repository_t repository; /* of the registry; its name is NULL where
                                    the path names none */
    oci_policy_t policy;
    oci_route_t route;
    apr_table_t *query;   /* decoded parameters */
    apr_off_t received;   /* bytes of the body read so far */
    apr_uint32_t *bodies; /* how many this process reads at present */
    int guarded;          /* the answer may be for this caller alone */
    int lists_all;        /* who may list names may know all of them */

    /**
     * Whether the caller may mount a blob from another repository: pull the
     * blob from there.
     * @param allowed Set to it
     * @return OCI_E_UNAUTHORIZED where the caller may, by a token that it is
     *         told to ask for
     */
    oci_error_t *(*may_mount)(int *allowed, oci_request_t *request,
                              const char *name, const char *digest);

    /** Whether the caller may see a repository's name in the catalog. */
    int (*may_list)(oci_request_t *request, const char *name);

    /**
     * Whether the caller may push under a tag that the path does not name.
     * @return OCI_E_DENIED, or OCI_E_UNAUTHORIZED where he is not known
     */
    oci_error_t *(*may_tag)(oci_request_t *request, const char *tag);
};

#endif /* OCI_REQUEST_H */
