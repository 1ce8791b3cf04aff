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
 * @file hooks.h
 * @brief Where requests enter
 */

#ifndef OCI_HOOKS_H
#define OCI_HOOKS_H

#include "httpd.h"

/** What SetHandler calls the registry. */
#define OCI_HANDLER "oci-registry"

/**
 * Whether a request is for a registry or for the token endpoint, by the
 * configuration that it has at the time: only httpd's early hooks need to
 * ask.
 */
int oci_is_ours(request_rec *r);

/** The same by its URL alone, while that configuration is not in force. */
int oci_is_ours_by_location(request_rec *r);

/** Give a request that is not for a registry its ErrorDocuments back. */
void oci_unmask_error_documents(request_rec *r);

/** Register the hooks of the registry. */
void oci_hooks_register(apr_pool_t *pool);

#endif /* OCI_HOOKS_H */
