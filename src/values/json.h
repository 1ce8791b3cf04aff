/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file json.h
 * @brief Writing JSON text
 *
 * jansson parses the administrator's files, and texts that fit in a header.
 * Larger texts from clients are parsed by json_check.h and json_span.h, which
 * need less memory.
 */

#ifndef OCI_JSON_H
#define OCI_JSON_H

#include <jansson.h>

#include "apr_pools.h"

/**
 * Write a string as JSON, with its quotes.
 * @param text Any bytes; each byte that is not valid UTF-8 becomes "?"
 */
const char *oci_json_quote(const char *text, apr_pool_t *pool);

/** Write a value as compact JSON, with its members in their order. */
const char *oci_json_text(const json_t *value, apr_pool_t *pool);

#endif /* OCI_JSON_H */
