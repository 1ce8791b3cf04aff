/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file scope.h
 * @brief The scopes of tokens: "repository:<name>:<action>,<action>"
 *        (Docker's token authentication)
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

/**
 * Parse an action.
 * @param length Bytes of word
 * @return Its bit; OCI_ALL for an asterisk; 0 if it is unknown
 */
unsigned oci_action_parse(const char *word, apr_size_t length);

/**
 * Parse a list of actions, separated by commas and without spaces.
 * @return Their bits; 0 if one of them is unknown or missing
 */
unsigned oci_actions_parse(const char *words);

/** Write actions as words separated by commas. */
const char *oci_actions_text(unsigned actions, apr_pool_t *pool);

/**
 * Add the scopes of a parameter.  Malformed ones are skipped; scopes of the
 * same resource are merged into one.
 * @param scopes An array of oci_scope_t
 * @param text The scopes, separated by spaces
 */
void oci_scopes_parse(apr_array_header_t *scopes, const char *text);

/**
 * Make the "access" claim of a token.  Scopes without actions are skipped.
 * @return A new reference
 */
json_t *oci_scopes_to_access(const apr_array_header_t *scopes);

/**
 * Read an "access" claim.  Malformed entries grant nothing.
 * @return An array of oci_scope_t
 */
apr_array_header_t *oci_scopes_of_access(const json_t *access,
                                         apr_pool_t *pool);

/**
 * Check whether a scope allows actions on a resource.
 * @param action One or more actions, all of which one scope must allow
 * @return 1 if one does, otherwise 0
 */
int oci_scopes_allow(const apr_array_header_t *scopes, const char *type,
                     const char *name, unsigned action);

#endif /* OCI_SCOPE_H */
