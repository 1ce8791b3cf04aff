/* Licensed under the Apache License, Version 2.0 (the "License"); you may
 * not use this file except in compliance with the License.  You may obtain
 * a copy of the License at http://www.apache.org/licenses/LICENSE-2.0
 *
 * Unless required by applicable law or agreed to in writing, software
 * distributed under the License is distributed on an "AS IS" BASIS,
 * WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
 * See the License for the specific language governing permissions and
 * limitations under the License.
 */

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
