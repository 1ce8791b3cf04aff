/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file json.h
 * @brief What JSON needs beyond jansson's own functions
 *
 * jansson reads what administrators write and what has the size of a header.
 * Larger texts from clients are read by json_check.h and json_span.h, in
 * little memory.
 */

#ifndef OCI_JSON_H
#define OCI_JSON_H

#include <jansson.h>

#include "apr_pools.h"

/**
 * A string as JSON text, quoted.
 * @param text Any bytes; those that are no UTF-8 become "?"
 */
const char *oci_json_quote(const char *text, apr_pool_t *pool);

/** Any value as compact JSON text, its members in their order. */
const char *oci_json_text(const json_t *value, apr_pool_t *pool);

#endif /* OCI_JSON_H */
