/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file authz.h
 * @brief Authorization: Require oci ACTIONS REPOSITORY...
 */

#ifndef OCI_AUTHZ_H
#define OCI_AUTHZ_H

#include "httpd.h"

#include "httpd/config.h"

/**
 * Check whether the caller of a request may act on a repository: the Require
 * lines that apply to the repository allow it, and OCIRepositoryPattern
 * allows its name.  httpd decides, by a sub-request.
 * @param r The request of the caller
 * @param name A valid repository name, or NULL for the catalog
 * @param action OCI_PULL, OCI_PUSH or OCI_DELETE
 * @return 1 if the caller may, otherwise 0
 */
int oci_authz_allows(request_rec *r, const char *name, unsigned action);

/**
 * Check in the same way whether the caller may pull, push or delete a tag.
 * @param policy What the directives say about it, if the caller may
 * @param method "GET", "PUT" or "DELETE"
 * @return HTTP_OK if the caller may, otherwise the status of the refusal
 */
int oci_authz_ask_tag(oci_tag_policy_t *policy, request_rec *r,
                      const char *method, const char *name, const char *tag);

/** Check in the same way whether the caller may pull a blob. */
int oci_authz_allows_blob(request_rec *r, const char *name, const char *digest);

/** Register the authorization provider. */
void oci_authz_register(apr_pool_t *pool);

#endif /* OCI_AUTHZ_H */
