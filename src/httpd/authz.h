/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file authz.h
 * @brief Authorization: Require oci ACTIONS REPOSITORY...
 */

#ifndef OCI_AUTHZ_H
#define OCI_AUTHZ_H

#include "httpd.h"

/**
 * Whether the Require lines of a repository let the caller of a request act
 * on it, and its name is allowed there.  httpd decides, by a sub-request.
 * @param r The request whose caller is meant
 * @param name A valid repository name, or NULL for the list of them
 * @param action OCI_PULL, OCI_PUSH or OCI_DELETE
 */
int oci_authz_allows(request_rec *r, const char *name, unsigned action);

/** Whether the caller may push under a tag of a repository: likewise. */
int oci_authz_allows_tag(request_rec *r, const char *name, const char *tag);

/** Whether the caller may pull a blob of a repository: likewise. */
int oci_authz_allows_blob(request_rec *r, const char *name, const char *digest);

/** Register the authorization provider. */
void oci_authz_register(apr_pool_t *pool);

#endif /* OCI_AUTHZ_H */
