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

/** What the administrator allows, in addition to the Require lines. */
typedef struct oci_policy_t {
    const ap_regex_t *pattern; /* must match the entire name; or NULL */
    apr_off_t max_manifest;    /* bytes, 0 for no limit */
    apr_off_t max_chunk;       /* bytes of one request's body, 0 for no limit */
    apr_off_t min_chunk;       /* bytes, only announced to clients; 0: not */
    int blob_delete;
    int manifest_delete;
    int tag_delete;
    int read_only;
    int redirect; /* a pull may be sent to where the blob store is */
    const apr_array_header_t *immutable; /* oci_immutable_t: tags that do not
                                          * move once they are set; or NULL */
} oci_policy_t;

typedef struct oci_request_t oci_request_t;
struct oci_request_t {
    request_rec *r;
    oci_registry_t registry;
    oci_repository_t repository; /* its name is NULL if the path has none */
    oci_policy_t policy;
    oci_route_t route;
    apr_table_t *query;   /* decoded parameters */
    apr_off_t received;   /* bytes of the body that have been read */
    apr_uint64_t ended;   /* idle uploads that ended, because storage is full */
    apr_uint32_t *bodies; /* number of bodies that this process is reading;
                           * atomic */
    int dates_pulls;      /* a pull of a manifest is to be remembered */
    int guarded;          /* the reply may depend on the caller */
    int lists_all;        /* a caller that may list names may list all */
    int asks_tags;        /* may_delete_tag may refuse some tags */
    int splits_tags;      /* a section may apply to some tags only */

    /**
     * Check whether the caller may mount a blob from another repository, which
     * means that it may pull the blob there.
     * @param allowed Set to the result
     * @return NULL; OCI_E_UNAUTHORIZED if the caller may, but needs another
     *         token, which the reply's challenge asks for
     */
    oci_error_t *(*may_mount)(int *allowed, oci_request_t *request,
                              const char *name, const char *digest);

    /** Return 1 if the caller may see a repository's name in the catalog. */
    int (*may_list)(oci_request_t *request, const char *name);

    /** Return 1 if the caller may pull a tag of the repository, and so learn
     * which digest it names. */
    int (*may_pull_tag)(oci_request_t *request, const char *tag);

    /**
     * Return 1 if the caller may GET another path of the repository.
     * @param kind The part of the path behind the name, such as "blobs"
     * @param reference The rest of it
     */
    int (*may_get)(oci_request_t *request, const char *kind,
                   const char *reference);

    /**
     * Check the same for a path without which the request is refused.
     * @return NULL if the caller may; OCI_E_DENIED; OCI_E_UNAUTHORIZED, which
     *         asks an anonymous caller to log in
     */
    oci_error_t *(*check_get)(oci_request_t *request, const char *kind,
                              const char *reference);

    /** Return 1 if the caller may delete a tag or a digest of the repository;
     * the tags of a digest are not looked at. */
    int (*may_delete)(oci_request_t *request, const char *reference);

    /**
     * Check whether the caller may push a tag that is not in the path.
     * @param immutable Set to 1 if the tag does not move once it is set
     * @return NULL if so; OCI_E_DENIED; OCI_E_UNAUTHORIZED, which asks an
     *         anonymous caller to log in; OCI_E_METHOD_UNSUPPORTED if nobody
     *         may
     */
    oci_error_t *(*may_push_tag)(int *immutable, oci_request_t *request,
                                 const char *tag);

    /**
     * Check whether the caller may delete a tag of the manifest in the path.
     * @return NULL if so; OCI_E_TAG_IMMUTABLE; otherwise as may_push_tag
     */
    oci_error_t *(*may_delete_tag)(oci_request_t *request, const char *tag);
};

#endif /* OCI_REQUEST_H */
