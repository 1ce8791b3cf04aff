/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file immutable.h
 * @brief Rules for tags that do not move once they are set: OCIImmutable
 */

#ifndef OCI_IMMUTABLE_H
#define OCI_IMMUTABLE_H

#include "apr_tables.h"

#include "values/tag_pattern.h"

/** A rule: the tags that match, in the repositories that match. */
typedef struct oci_immutable_t {
    const char *glob;              /* the repositories, see glob.h */
    const char *condition;         /* of the tags, as given; NULL: all tags */
    const oci_tag_pattern_t *tags; /* the same, compiled */
} oci_immutable_t;

/**
 * Add a rule in the syntax of OCIImmutable.
 * @param rules An array of oci_immutable_t
 * @param glob The pattern of repositories; not copied
 * @param condition "tags=" and a regular expression, or NULL for all tags; not
 *        copied
 * @param pool Where the rule is allocated
 * @return NULL, or a sentence that says what is wrong
 */
const char *oci_immutable_add(apr_array_header_t *rules, const char *glob,
                              const char *condition, apr_pool_t *pool);

/**
 * Check whether a tag must not move once it is set.  Tags that belong to a
 * digest by their form, see oci_tag_belongs_to_digest, may always move: clients
 * change them to add a signature or a referrer.
 * @param rules An array of oci_immutable_t, or NULL for no rules
 * @param name The tag's repository
 * @param pool For temporary data
 * @return 1 if some rule matches, otherwise 0
 */
int oci_immutable_covers(const apr_array_header_t *rules, const char *name,
                         const char *tag, apr_pool_t *pool);

#endif /* OCI_IMMUTABLE_H */
