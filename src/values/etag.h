/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file etag.h
 * @brief Entity tags in preconditions (RFC 9110, 8.8.3 and 13.1)
 */

#ifndef OCI_ETAG_H
#define OCI_ETAG_H

/**
 * Check whether a precondition's list contains an entity's tag.  An unquoted
 * digest counts as a quoted one, because old clients send it.
 * @param list The value of If-Match, If-None-Match or If-Range: entity tags
 *        separated by commas, or "*", which matches any existing entity
 * @param value The entity's tag without its quotes; NULL if there is no such
 *        entity
 * @param weak Whether W/"x" matches "x", as for If-None-Match
 * @return 1 if it does, otherwise 0
 */
int oci_etag_match(const char *list, const char *value, int weak);

/**
 * Find the precondition that fails (RFC 9110, 13.1.1 and 13.1.2).
 * @param match The value of If-Match, or NULL
 * @param none_match The value of If-None-Match, or NULL
 * @param value The entity's tag, as for oci_etag_match
 * @return The name of its header; NULL if both are met
 */
const char *oci_etag_refusal(const char *match, const char *none_match,
                             const char *value);

#endif /* OCI_ETAG_H */
