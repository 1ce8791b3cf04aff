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
 * @file base64url.h
 * @brief Base64 for URLs, without padding (RFC 4648, 5)
 */

#ifndef OCI_BASE64URL_H
#define OCI_BASE64URL_H

#include "apr_errno.h"
#include "apr_pools.h"

/** Encode size bytes. */
const char *oci_base64url_encode(const void *data, apr_size_t size,
                                 apr_pool_t *pool);

/**
 * Decode a text of length bytes.
 * @param data Set to the bytes, with a NUL behind them
 * @return APR_EINVAL where it is no such encoding
 */
apr_status_t oci_base64url_decode(unsigned char **data, apr_size_t *size,
                                  const char *text, apr_size_t length,
                                  apr_pool_t *pool);

#endif /* OCI_BASE64URL_H */
