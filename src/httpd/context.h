/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file context.h
 * @brief What the hooks keep about a request for the registry or its tokens
 */

#ifndef OCI_CONTEXT_H
#define OCI_CONTEXT_H

#include "httpd.h"
#include "apr_tables.h"

#include "registry/error.h"
#include "values/route.h"

/** The handlers that SetHandler names: the registry, the token endpoint, the
 * page for people, the metrics, the health. */
#define OCI_HANDLER         "oci-registry"
#define OCI_TOKEN_HANDLER   "oci-token"
#define OCI_PAGE_HANDLER    "oci-page"
#define OCI_METRICS_HANDLER "oci-metrics"
#define OCI_HEALTH_HANDLER  "oci-health"

/** A verified token. */
typedef struct oci_bearer_t {
    const char *user;                 /* NULL for an anonymous token */
    const apr_array_header_t *scopes; /* oci_scope_t; NULL if the token has no
                                       * "access" claim */
    int locally_issued;               /* this server can issue such tokens */
} oci_bearer_t;

/** The context of a request; it lives in the request's pool. */
typedef struct oci_context_t {
    int is_token; /* for the token endpoint, not the registry */
    oci_route_t route;
    unsigned action;               /* OCI_PULL, OCI_PUSH or OCI_DELETE; 0 if the
                                    * URL names no repository */
    int authenticated;             /* httpd's authentication succeeded */
    const oci_bearer_t *bearer;    /* the request's valid token, or NULL */
    const char *token_error;       /* for the challenge, or NULL */
    int require_checked;           /* a Require oci line was evaluated */
    const char *source;            /* a repository that the challenge asks to
                                    * pull from, or NULL */
    int asking;                    /* a question is being created: see
                                    * question.h */
    int wants_login;               /* a refusing line could not decide without
                                    * knowing the caller */
    int refused;                   /* a line refused an anonymous caller */
    const apr_table_t *headers;    /* the request's headers as received; NULL
                                    * if it cannot need a question */
    const apr_table_t *env_before; /* the environment before authentication */
    const apr_table_t *auth_env;   /* the variables that authentication set;
                                    * NULL for none */
    const apr_table_t *form;       /* the form posted for a token, or NULL */
    apr_off_t received;            /* bytes of the body that were read */
    oci_error_t *form_error;       /* why the form is not valid, or NULL */
} oci_context_t;

/**
 * Create the context of a request, once its configuration is final, and set
 * the variables OCI_ACTION, OCI_REPOSITORY and OCI_REFERENCE.
 * @return NULL if the request is for neither handler
 */
oci_context_t *oci_context_create(request_rec *r);

/** Return the context of a request, NULL if it has none. */
oci_context_t *oci_context_get(const request_rec *r);

/**
 * Return the user of a request: that of its valid token, or the one that httpd
 * has set.  With status 401, the latter is what the client claimed.
 * @return NULL for an anonymous caller
 */
const char *oci_context_user(const oci_context_t *context,
                             const request_rec *r);

/**
 * Check, by the configuration that applies to a request so far, whether it is
 * for the registry or the token endpoint.  Only hooks that run before the
 * context exists need this.
 */
int oci_is_ours(request_rec *r);

/** Check the same by the URL alone, before that configuration applies. */
int oci_is_ours_by_location(request_rec *r);

/** Check by the URL alone whether a request is for any of our handlers. */
int oci_is_ours_or_page_by_location(request_rec *r);

/**
 * Check whether a request, whose configuration is final, is for one of the
 * handlers that need no context: the page, the metrics, the health.
 */
int oci_is_page(request_rec *r);

#endif /* OCI_CONTEXT_H */
