/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file tag_pattern.h
 * @brief Regular expressions for tags, and what a tag's form says
 *
 * They are POSIX extended regular expressions and match an entire tag, so that
 * the server and ociadmin understand them in the same way.
 */

#ifndef OCI_TAG_PATTERN_H
#define OCI_TAG_PATTERN_H

#include "apr_pools.h"

typedef struct oci_tag_pattern_t oci_tag_pattern_t;

/**
 * Compile a regular expression.
 * @param pattern Set to it; it lives as long as pool
 * @param text Escapes of letters and digits such as "\d", and "(?", which other
 *        kinds of regular expressions have, are refused
 * @return NULL, or a sentence that says what is wrong
 */
const char *oci_tag_pattern_compile(oci_tag_pattern_t **pattern,
                                    const char *text, apr_pool_t *pool);

/** Return 1 if a pattern matches the entire tag, otherwise 0. */
int oci_tag_pattern_matches(const oci_tag_pattern_t *pattern, const char *tag);

/**
 * Return the digest of the manifest to which a tag belongs by its form:
 * "sha256-<hex>", alone or followed by ".sig", ".att" or ".sbom", as clients
 * that do not use the referrers API name signatures and the like.
 * @param pool For the result
 * @return NULL if the tag does not have this form
 */
const char *oci_tag_subject(const char *tag, apr_pool_t *pool);

/**
 * Return whether a tag belongs to a manifest by its form.  A tag has room for
 * 64 digits of a SHA-512 digest, as many as a SHA-256 digest has
 * (distribution-spec, "Referrers Tag Schema").
 * @param pool For temporary data
 */
int oci_tag_belongs_to_digest(const char *tag, apr_pool_t *pool);

#endif /* OCI_TAG_PATTERN_H */
