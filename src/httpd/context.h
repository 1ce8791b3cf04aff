/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file context.h
 * @brief What the hooks know of a request for the registry or its tokens
 */

#ifndef OCI_CONTEXT_H
#define OCI_CONTEXT_H

#include "httpd.h"
#include "apr_tables.h"

#include "registry/error.h"
#include "values/route.h"

/** What SetHandler calls the registry, and its token endpoint. */
#define OCI_HANDLER       "oci-registry"
#define OCI_TOKEN_HANDLER "oci-token"

/** A valid token: who sent it, and for what it was issued. */
typedef struct oci_bearer_t {
    const char *user;                 /* NULL for an anonymous token */
    const apr_array_header_t *scopes; /* oci_scope_t; NULL for an identity
                                       * that says nothing of them */
    int ours;                         /* our own key signs such */
} oci_bearer_t;

typedef struct oci_context_t {
    int is_token; /* for the token endpoint, no registry */
    oci_route_t route;
    unsigned action;             /* OCI_PULL, OCI_PUSH, OCI_DELETE, or 0
                                  * where no repository is concerned */
    int authenticated;           /* httpd knows who this is */
    const oci_bearer_t *bearer;  /* or NULL */
    const char *token_error;     /* for the challenge, or NULL */
    int judged;                  /* a Require oci line was asked */
    const char *source;          /* a repository to ask a token for too */
    int asking;                  /* a question is being made */
    int wants_login;             /* a line that refuses could not tell
                                  * whether it concerns this caller */
    int refused;                 /* a line refused an anonymous caller */
    const apr_table_t *headers;  /* those of the request as it came, where
                                  * it may have to ask */
    const apr_table_t *before;   /* the environment before authentication */
    const apr_table_t *identity; /* what authentication set in it; NULL
                                  * for nothing */
    const apr_table_t *form;     /* what was posted for a token, or NULL */
    oci_error_t *form_error;     /* why it is no form */
} oci_context_t;

/**
 * Make the context of a request once its configuration is final, and set the
 * variables OCI_ACTION, OCI_REPOSITORY and OCI_REFERENCE.
 * @return NULL where the request is for neither
 */
oci_context_t *oci_context_create(request_rec *r);

/** The context of a request, NULL where it has none. */
oci_context_t *oci_context_get(const request_rec *r);

/**
 * Whether a request is for a registry or for the token endpoint, by the
 * configuration that it has at the time: only httpd's early hooks need to
 * ask.
 */
int oci_is_ours(request_rec *r);

/** The same by its URL alone, while that configuration is not in force. */
int oci_is_ours_by_location(request_rec *r);

#endif /* OCI_CONTEXT_H */
