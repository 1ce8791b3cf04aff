/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file scope.h
 * @brief What tokens are for: "repository:<name>:<action>,<action>"
 *        (Docker's token scope, as clients write it)
 */

#ifndef OCI_SCOPE_H
#define OCI_SCOPE_H

#include <jansson.h>

#include "apr_tables.h"

/* Actions, as bits. */
#define OCI_PULL   1
#define OCI_PUSH   2
#define OCI_DELETE 4
#define OCI_ALL    (OCI_PULL | OCI_PUSH | OCI_DELETE)

typedef struct oci_scope_t {
    const char *type; /* "repository", "registry", or another */
    const char *name;
    unsigned actions;
} oci_scope_t;

/** The bit of an action, OCI_ALL for an asterisk, 0 for what is none. */
unsigned oci_action_parse(const char *word, apr_size_t length);

/** Actions as words with commas between. */
const char *oci_actions_text(unsigned actions, apr_pool_t *pool);

/**
 * Add the scopes of a parameter, separated by spaces; those that are none
 * are left out, and those of one resource become one.
 * @param scopes An array of oci_scope_t
 */
void oci_scopes_parse(apr_array_header_t *scopes, const char *text);

/**
 * The "access" claim of a token.  Scopes without actions are left out.
 * @return A new reference
 */
json_t *oci_scopes_to_access(const apr_array_header_t *scopes);

/** Read an "access" claim; what is no scope in it grants nothing. */
apr_array_header_t *oci_scopes_of_access(const json_t *access,
                                         apr_pool_t *pool);

/** Whether some scope allows an action, or several, on a resource. */
int oci_scopes_allow(const apr_array_header_t *scopes, const char *type,
                     const char *name, unsigned action);

#endif /* OCI_SCOPE_H */
