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
 * @file start.h
 * @brief What is prepared and checked when the server starts
 */

#ifndef OCI_START_H
#define OCI_START_H

#include "httpd.h"

/**
 * Start every store that was configured, and read every key.
 * @return OK, or HTTP_INTERNAL_SERVER_ERROR with the reason in the log
 */
int oci_start(apr_pool_t *pool, server_rec *main_server);

#endif /* OCI_START_H */
