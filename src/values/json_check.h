/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file json_check.h
 * @brief Whether a text is JSON, found out in little memory
 *
 * jansson needs about 100 bytes for each value of a text.  A client must not
 * be able to demand that, so the JSON of clients is checked here, and read
 * where it stands: see json_span.h.
 */

#ifndef OCI_JSON_CHECK_H
#define OCI_JSON_CHECK_H

#include "apr_pools.h"

/** How deep arrays and objects may be nested. */
#define OCI_JSON_DEPTH 2048

/**
 * Check that a text is one JSON value (RFC 8259) in UTF-8, that no object
 * has two members of one name, and that arrays and objects are nested at
 * most OCI_JSON_DEPTH deep.  Any value of this form is accepted: a number of
 * any size, "\u0000" and single surrogates in strings.
 *
 * This takes at most four times the size of the text in memory, which is
 * free again when the function returns.
 *
 * @param text Need not end with a NUL
 * @param size Its bytes
 * @param pool Of the sentence
 * @return NULL, or what is wrong: "line 3: a string is not valid UTF-8"
 */
const char *oci_json_check(const char *text, apr_size_t size, apr_pool_t *pool);

#endif /* OCI_JSON_CHECK_H */
