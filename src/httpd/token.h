/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file token.h
 * @brief The token endpoint: SetHandler oci-token
 */

#ifndef OCI_TOKEN_H
#define OCI_TOKEN_H

#include "httpd.h"

/**
 * Answer a request for a token.
 * @return OK, or DECLINED if another handler is set
 */
int oci_token_handler(request_rec *r);

#endif /* OCI_TOKEN_H */
