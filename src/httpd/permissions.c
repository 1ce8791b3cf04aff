/* SPDX-License-Identifier: Apache-2.0 */

/* Checking what a caller may do beyond the request itself: mount from another
 * repository, list a repository, push or delete further tags. */

#include "httpd.h"
#include "apr_strings.h"

#include "api/reply.h"
#include "httpd/authn.h"
#include "httpd/authz.h"
#include "httpd/config.h"
#include "httpd/guards.h"
#include "httpd/permissions.h"
#include "httpd/question.h"
#include "registry/tag.h"
#include "values/digest.h"
#include "values/scope.h"

/* Whether the request has a token that does not allow an action on a
 * repository. */
static int lacks_scope(const oci_context_t *context, const char *name,
                       unsigned action)
{
    const oci_bearer_t *bearer = context->bearer;

    return bearer && bearer->scopes
        && !oci_scopes_allow(bearer->scopes, "repository", name, action);
}

/* A token with scopes allows nothing else.  If the Require lines allow the
 * mount but the token does not, the client is told to get another token,
 * provided that this server issues them. */
static oci_error_t *may_mount(int *allowed, oci_request_t *request,
                              const char *name, const char *digest)
{
    oci_context_t *context = oci_context_get(request->r);
    int lacks = lacks_scope(context, name, OCI_PULL);

    *allowed = 0;
    if (!oci_authz_allows_blob(request->r, name, digest)
        || (lacks && !context->bearer->locally_issued)) {
        return NULL;
    }
    *allowed = !lacks;
    return lacks ? oci_authn_ask(request->r, context, name) : NULL;
}

static int may_list(oci_request_t *request, const char *name)
{
    return oci_authz_allows(request->r, name, OCI_PULL);
}

/* Ask whether the caller may do something with a tag, as if it were in the
 * path.
 * *policy: filled in if the caller may
 * Returns the status of the answer. */
static int ask_tag(oci_tag_policy_t *policy, oci_request_t *request,
                   const char *method, const char *tag)
{
    request_rec *r = request->r;
    const char *name = request->route.name;
    apr_pool_t *pool;
    int status = HTTP_OK;

    if (oci_guards_may_split_tags()) {
        status = oci_authz_ask_tag(policy, r, method, name, tag);
    }
    else {
        apr_pool_create(&pool, r->pool);
        oci_config_tag_policy(policy, oci_config_of(r), name, tag, pool);
        apr_pool_destroy(pool);
    }
    return status == HTTP_OK && policy->read_only ? HTTP_METHOD_NOT_ALLOWED
                                                  : status;
}

static oci_error_t *may_push_tag(int *immutable, oci_request_t *request,
                                 const char *tag)
{
    request_rec *r = request->r;
    oci_tag_policy_t policy;
    int status = ask_tag(&policy, request, "PUT", tag);

    if (status == HTTP_OK) {
        *immutable = policy.immutable;
        return NULL;
    }
    if (status == HTTP_METHOD_NOT_ALLOWED) {
        oci_reply_header(request, "Allow", "OPTIONS, GET, HEAD");
        return oci_error_make(r->pool, OCI_E_METHOD_UNSUPPORTED, "tag", tag,
                              "this tag is read-only");
    }
    return oci_authn_refuse_tag(r, oci_context_get(r), status, tag,
                                apr_pstrcat(r->pool, "push this tag to ",
                                            request->route.name, NULL));
}

static int may_pull_tag(oci_request_t *request, const char *tag)
{
    oci_tag_policy_t policy;

    return !lacks_scope(oci_context_get(request->r), request->route.name,
                        OCI_PULL)
        && oci_authz_ask_tag(&policy, request->r, "GET", request->route.name,
                             tag)
        == HTTP_OK;
}

/* Ask whether the caller may GET a path of the repository; no directive
 * refuses it if none is a guard.
 * Returns the status of the answer. */
static int ask_get(oci_request_t *request, const char *kind,
                   const char *reference)
{
    const char *name = request->route.name;
    request_rec *r = request->r;
    oci_tag_policy_t policy;

    if (!oci_guards_may_split_tags()) {
        return HTTP_OK;
    }
    return oci_question_ask(&policy, r, "GET",
                            apr_pstrcat(r->pool, "/v2/", name, "/", kind, "/",
                                        reference, NULL),
                            name);
}

static int may_get(oci_request_t *request, const char *kind,
                   const char *reference)
{
    return ask_get(request, kind, reference) == HTTP_OK;
}

static oci_error_t *check_get(oci_request_t *request, const char *kind,
                              const char *reference)
{
    request_rec *r = request->r;
    int status = ask_get(request, kind, reference);

    return status == HTTP_OK
        ? NULL
        : oci_authn_refuse_tag(r, oci_context_get(r), status, NULL,
                               apr_pstrcat(r->pool, "read ", kind, "/",
                                           reference, " of ",
                                           request->route.name, NULL));
}

static int may_delete(oci_request_t *request, const char *reference)
{
    oci_tag_policy_t policy;

    if (lacks_scope(oci_context_get(request->r), request->route.name,
                    OCI_DELETE)
        || ask_tag(&policy, request, "DELETE", reference) != HTTP_OK) {
        return 0;
    }
    return oci_digest_valid(reference) ? policy.manifest_delete
                                       : policy.tag_delete && !policy.immutable;
}

/* Only a caller that may pull the tag learns that it names the manifest. */
static oci_error_t *may_delete_tag(oci_request_t *request, const char *tag)
{
    request_rec *r = request->r;
    oci_tag_policy_t policy;
    int status = ask_tag(&policy, request, "DELETE", tag);
    const char *words = "a tag of this manifest";

    if (status == HTTP_OK && !policy.tag_delete) {
        status = HTTP_METHOD_NOT_ALLOWED;
    }
    if (status == HTTP_OK && !policy.immutable) {
        return NULL;
    }
    if (may_pull_tag(request, tag)) {
        words = apr_pstrcat(r->pool, "the tag ", tag, NULL);
    }
    else {
        tag = NULL;
    }
    if (status == HTTP_OK) {
        return oci_tag_refuse_deletion(tag, r->pool);
    }
    if (status == HTTP_METHOD_NOT_ALLOWED) {
        oci_reply_header(request, "Allow", "OPTIONS, GET, HEAD, PUT");
        return oci_error_make(r->pool, OCI_E_METHOD_UNSUPPORTED, "tag", tag,
                              "%s cannot be deleted", words);
    }
    return oci_authn_refuse_tag(r, oci_context_get(r), status, tag,
                                apr_pstrcat(r->pool, "delete ", words, NULL));
}

void oci_permissions_set(oci_request_t *request)
{
    request->splits_tags = oci_guards_have_tag_sections();
    request->asks_tags = !request->policy.tag_delete
        || request->policy.immutable || oci_guards_may_split_tags();
    request->may_mount = may_mount;
    request->may_list = may_list;
    request->may_pull_tag = may_pull_tag;
    request->may_get = may_get;
    request->check_get = check_get;
    request->may_delete = may_delete;
    request->may_push_tag = may_push_tag;
    request->may_delete_tag = may_delete_tag;
}
