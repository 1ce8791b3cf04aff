/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file json_check.h
 * @brief Checking that a text is valid JSON, with little memory
 *
 * jansson needs about 100 bytes of memory for each value in a text, even if the
 * value is 2 bytes long.  A client must not be able to cause that, so the JSON
 * of clients is checked here, and then read in place: see json_span.h.
 */

#ifndef OCI_JSON_CHECK_H
#define OCI_JSON_CHECK_H

#include "apr_pools.h"

/** The deepest nesting of arrays and objects. */
#define OCI_JSON_DEPTH 2048

/**
 * Check that a text is one JSON value (RFC 8259) in UTF-8, that no object has
 * two members with the same name, and that arrays and objects are nested at
 * most OCI_JSON_DEPTH levels deep.  Values are not limited otherwise: numbers
 * may have any size, strings may contain "\u0000" and single surrogates.
 *
 * This needs at most four times the size of the text in memory, which is
 * released before the function returns.
 *
 * @param text Need not end with a NUL
 * @param size The bytes of text
 * @param pool For the returned sentence
 * @return NULL, or what is wrong: "line 3: a string is not valid UTF-8"
 */
const char *oci_json_check(const char *text, apr_size_t size, apr_pool_t *pool);

#endif /* OCI_JSON_CHECK_H */
