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
 * @file token.h
 * @brief The token endpoint: SetHandler oci-token
 */

#ifndef OCI_TOKEN_H
#define OCI_TOKEN_H

#include "httpd.h"

/** What SetHandler calls the endpoint. */
#define OCI_TOKEN_HANDLER "oci-token"

/** Answer a request for a token, or decline another one. */
int oci_token_handler(request_rec *r);

#endif /* OCI_TOKEN_H */
