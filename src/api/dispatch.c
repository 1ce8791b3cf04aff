/* SPDX-License-Identifier: Apache-2.0 */

/* The table of endpoints and methods, and the checks that every request must
 * pass before its handler runs. */

#include "httpd.h"
#include "http_config.h"
#include "http_log.h"
#include "http_protocol.h"
#include "apr_strings.h"

#include "api/dispatch.h"
#include "api/endpoints.h"
#include "api/reply.h"
#include "gc/gc_uploads.h"
#include "registry/pairing.h"
#include "values/digest.h"
#include "values/name.h"
#include "values/query.h"

APLOG_USE_MODULE(oci);

/* How many bytes to free at least, and at most, when the blob store is full. */
#define MIN_ROOM (64 * 1024 * 1024)
#define MAX_ROOM (1024 * 1024 * 1024)

typedef oci_error_t *handler_fn(oci_request_t *request);

/* Every method of every endpoint, with its action on the repository. */
static const struct {
    oci_route_e endpoint;
    int method;
    const char *action;
    handler_fn *handler;
} handlers[] = {
    { OCI_ROUTE_BASE, M_GET, NULL, oci_base_get },
    { OCI_ROUTE_CATALOG, M_GET, NULL, oci_catalog_get },
    { OCI_ROUTE_TAGS, M_GET, "pull", oci_tags_get },
    { OCI_ROUTE_MANIFEST, M_GET, "pull", oci_manifests_get },
    { OCI_ROUTE_MANIFEST, M_PUT, "push", oci_manifests_put },
    { OCI_ROUTE_MANIFEST, M_DELETE, "delete", oci_manifests_delete },
    { OCI_ROUTE_BLOB, M_GET, "pull", oci_blobs_get },
    { OCI_ROUTE_BLOB, M_DELETE, "delete", oci_blobs_delete },
    { OCI_ROUTE_UPLOADS, M_POST, "push", oci_uploads_post },
    { OCI_ROUTE_UPLOAD, M_GET, "push", oci_uploads_get },
    { OCI_ROUTE_UPLOAD, M_PATCH, "push", oci_uploads_patch },
    { OCI_ROUTE_UPLOAD, M_PUT, "push", oci_uploads_put },
    { OCI_ROUTE_UPLOAD, M_DELETE, "push", oci_uploads_delete },
    { OCI_ROUTE_REFERRERS, M_GET, "pull", oci_referrers_get },
    { OCI_ROUTE_TAG_DETAILS, M_GET, "pull", oci_tag_details_get },
    { OCI_ROUTE_MANIFEST_DETAILS, M_GET, "pull", oci_manifest_details_get },
};

#define HANDLERS (sizeof(handlers) / sizeof(handlers[0]))

const char *oci_dispatch_action(const oci_route_t *route, int method)
{
    apr_size_t i;

    for (i = 0; i < HANDLERS; i++) {
        if (handlers[i].endpoint == route->endpoint
            && handlers[i].method == method) {
            return handlers[i].action;
        }
    }
    return NULL;
}

/* Whether the administrator allows a method. */
static int method_enabled(const oci_request_t *request, int method)
{
    const oci_policy_t *policy = &request->policy;

    if (policy->read_only) {
        return method == M_GET;
    }
    if (method != M_DELETE) {
        return 1;
    }
    switch (request->route.endpoint) {
    case OCI_ROUTE_BLOB:
        return policy->blob_delete;
    case OCI_ROUTE_MANIFEST:
        return strchr(request->route.reference, ':') ? policy->manifest_delete
                                                     : policy->tag_delete;
    default:
        return 1;
    }
}

/* Find the handler.  If there is none, the supported methods are set as Allow.
 * @param handler Set to the handler; NULL, without an error, for OPTIONS */
static oci_error_t *find_handler(handler_fn **handler, oci_request_t *request)
{
    request_rec *r = request->r;
    const char *allow = "OPTIONS";
    apr_size_t i;

    *handler = NULL;
    for (i = 0; i < HANDLERS; i++) {
        int method = handlers[i].method;

        if (handlers[i].endpoint != request->route.endpoint
            || !method_enabled(request, method)) {
            continue;
        }
        if (method == r->method_number) {
            *handler = handlers[i].handler;
            return NULL;
        }
        allow = apr_pstrcat(r->pool, allow,
                            method == M_GET ? ", GET, HEAD" : ", ",
                            method == M_GET
                                ? NULL
                                : ap_method_name_of(r->pool, method),
                            NULL);
    }
    oci_reply_header(request, "Allow", allow);
    if (r->method_number == M_OPTIONS) {
        return NULL;
    }
    return oci_error_make(r->pool, OCI_E_METHOD_UNSUPPORTED, "method",
                          r->method,
                          request->policy.read_only
                              ? "this registry is read-only"
                              : "%s is not supported at this path; supported "
                                "methods: %s",
                          r->method, allow);
}

static oci_error_t *check_name(const oci_request_t *request)
{
    const char *name = request->route.name;
    const ap_regex_t *pattern = request->policy.pattern;
    apr_pool_t *pool = request->r->pool;

    if (!name) {
        return NULL;
    }
    if (!oci_name_valid(name)) {
        return oci_error_make(pool, OCI_E_NAME_INVALID, "name", name,
                              "this is not a valid repository name: expected "
                              "lower-case letters and digits, with \".\", "
                              "\"_\", \"__\" or dashes between them and \"/\" "
                              "between components, %d bytes at most",
                              OCI_NAME_MAX);
    }
    if (pattern && ap_regexec(pattern, name, 0, NULL, 0)) {
        return oci_error_make(pool, OCI_E_NAME_INVALID, "name", name,
                              "this registry does not allow this repository "
                              "name");
    }
    return NULL;
}

static oci_error_t *check_reference(const oci_request_t *request)
{
    const char *reference = request->route.reference;
    apr_pool_t *pool = request->r->pool;

    switch (request->route.endpoint) {
    case OCI_ROUTE_MANIFEST:
    case OCI_ROUTE_MANIFEST_DETAILS:
        if (!strchr(reference, ':')) {
            return oci_tag_valid(reference)
                ? NULL
                : oci_error_make(pool, OCI_E_TAG_INVALID, "tag", reference,
                                 "this is not a valid tag: expected at most "
                                 "%d letters, digits, \"_\", \".\" or \"-\", "
                                 "of which the first is not \".\" or \"-\"",
                                 OCI_TAG_MAX);
        }
        /* fall through */
    case OCI_ROUTE_BLOB:
    case OCI_ROUTE_REFERRERS:
        return oci_digest_valid(reference)
            ? NULL
            : oci_error_make(pool, OCI_E_DIGEST_INVALID, "digest", reference,
                             "this is not a valid digest: expected "
                             "\"sha256:\" and 64, or \"sha512:\" and 128, "
                             "lower-case hex digits");
    default:
        return NULL;
    }
}

/* Refuse a POST that a page of another site made a browser send.  The browser
 * would add the password or certificate that it has for this site.  Browsers
 * ask for permission (a preflight request) before other methods. */
static oci_error_t *check_origin(const oci_request_t *request)
{
    request_rec *r = request->r;
    const char *site = apr_table_get(r->headers_in, "Sec-Fetch-Site");

    if (r->method_number != M_POST || !site
        || (ap_cstr_casecmp(site, "cross-site")
            && ap_cstr_casecmp(site, "same-site"))) {
        return NULL;
    }
    return oci_error_make(r->pool, OCI_E_DENIED, "Sec-Fetch-Site", site,
                          "a browser sent this request for a page of another "
                          "site; the registry accepts uploads only from pages "
                          "of its own host, and from clients that are not "
                          "browsers");
}

static oci_error_t *serve_request(oci_request_t *request)
{
    request_rec *r = request->r;
    handler_fn *handler;
    oci_error_t *error;

    if (request->route.endpoint == OCI_ROUTE_NONE) {
        return oci_error_make(r->pool, OCI_E_ENDPOINT_UNKNOWN, "path", r->uri,
                              "this path is not an endpoint of the registry");
    }
    if ((error = check_origin(request)) || (error = check_name(request))
        || (error = check_reference(request))
        || (error = find_handler(&handler, request))) {
        return error;
    }
    if (!handler) {
        return oci_reply_empty(request, HTTP_OK);
    }
    error = oci_pairing_check(&request->registry, r->method_number != M_GET,
                              r->pool);
    if (error) {
        return error;
    }
    if (oci_query_parse(&request->query, r->args, r->pool) != APR_SUCCESS) {
        return oci_error_make(r->pool, OCI_E_REQUEST_INVALID, "query", r->args,
                              "the query string is not properly encoded");
    }
    return handler(request);
}

/* When the blob store is full, uploads that nobody continues are the first to
 * go, so that the next push succeeds.  The one at hand has failed: its body
 * cannot be read again. */
static void make_room(oci_request_t *request)
{
    request_rec *r = request->r;
    const char *length = apr_table_get(r->headers_in, "Content-Length");
    apr_off_t wanted = length ? apr_atoi64(length) : 0;
    apr_off_t freed;

    wanted = wanted > MIN_ROOM ? wanted : MIN_ROOM;
    freed = oci_gc_make_room(&request->ended, &request->registry,
                             wanted < MAX_ROOM ? wanted : MAX_ROOM, r->pool);
    if (freed) {
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r,
                      "oci: storage is full: idle uploads were ended, which "
                      "freed %" APR_OFF_T_FMT " bytes",
                      freed);
    }
}

static int pushes(const oci_request_t *request)
{
    const char *action = oci_dispatch_action(&request->route,
                                             request->r->method_number);

    return action && !strcmp(action, "push");
}

int oci_dispatch(oci_request_t *request)
{
    oci_error_t *error = serve_request(request);

    if (error) {
        if (error->code == OCI_E_STORAGE_FULL && error->in_blobs
            && pushes(request)) {
            make_room(request);
        }
        oci_reply_error(request->r, error);
    }
    return OK;
}
