/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file etag.h
 * @brief Entity tags in conditions (RFC 9110, 8.8.3 and 13.1)
 */

#ifndef OCI_ETAG_H
#define OCI_ETAG_H

/**
 * Whether a condition's list names an entity.  An unquoted digest counts as
 * a quoted one, as old clients write it.
 * @param list The value of If-Match, If-None-Match or If-Range: entity tags
 *        with commas between, or "*", which names any that exists
 * @param value What the entity's tag holds between its quotes, or NULL where
 *        there is no such entity
 * @param weak Whether W/"x" names "x" (If-None-Match) or nothing
 */
int oci_etag_match(const char *list, const char *value, int weak);

/**
 * Which condition does not hold for an entity (RFC 9110, 13.1.1 and 13.1.2).
 * @param match The value of If-Match, or NULL
 * @param none_match That of If-None-Match, or NULL
 * @param value As above
 * @return The header's name, or NULL where both hold
 */
const char *oci_etag_refusal(const char *match, const char *none_match,
                             const char *value);

#endif /* OCI_ETAG_H */
