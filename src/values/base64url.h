/* SPDX-License-Identifier: Apache-2.0 */

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
 * Decode a text.
 * @param data Set to the bytes, in pool; a NUL follows them
 * @param size Set to the number of bytes, without the NUL
 * @param length Bytes of text
 * @return APR_SUCCESS; APR_EINVAL if the text is not in this encoding
 */
apr_status_t oci_base64url_decode(unsigned char **data, apr_size_t *size,
                                  const char *text, apr_size_t length,
                                  apr_pool_t *pool);

#endif /* OCI_BASE64URL_H */
