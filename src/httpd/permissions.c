/* SPDX-License-Identifier: Apache-2.0 */

/* Checking what a caller may do beyond the request itself: mount from another
 * repository, list a repository, push further tags. */

#include "httpd/authn.h"
#include "httpd/authz.h"
#include "httpd/permissions.h"
#include "values/scope.h"

/* A token with scopes allows nothing else.  If the Require lines allow the
 * mount but the token does not, the client is told to get another token,
 * provided that this server issues them. */
static oci_error_t *may_mount(int *allowed, oci_request_t *request,
                              const char *name, const char *digest)
{
    oci_context_t *context = oci_context_get(request->r);
    const oci_bearer_t *bearer = context->bearer;
    int lacks_scope = bearer && bearer->scopes
        && !oci_scopes_allow(bearer->scopes, "repository", name, OCI_PULL);

    *allowed = 0;
    if (!oci_authz_allows_blob(request->r, name, digest)
        || (lacks_scope && !bearer->locally_issued)) {
        return NULL;
    }
    *allowed = !lacks_scope;
    return lacks_scope ? oci_authn_ask(request->r, context, name) : NULL;
}

static int may_list(oci_request_t *request, const char *name)
{
    return oci_authz_allows(request->r, name, OCI_PULL);
}

/* A tag in the query needs the same permission as a tag in the path. */
static oci_error_t *may_tag(oci_request_t *request, const char *tag)
{
    request_rec *r = request->r;

    return oci_authz_allows_tag(r, request->route.name, tag)
        ? NULL
        : oci_authn_refuse_tag(r, oci_context_get(r), tag);
}

void oci_permissions_set(oci_request_t *request)
{
    request->may_mount = may_mount;
    request->may_list = may_list;
    request->may_tag = may_tag;
}
