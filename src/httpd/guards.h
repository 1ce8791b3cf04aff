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
 * @file guards.h
 * @brief Where the configuration may refuse somebody
 */

#ifndef OCI_GUARDS_H
#define OCI_GUARDS_H

#include "httpd.h"
#include "http_config.h"

#include "httpd/config.h"

/** Read the whole configuration for what may refuse, into the main server. */
void oci_guards_read(oci_server_config_t *server, const ap_directive_t *tree,
                     apr_pool_t *pool);

/** Whether some directive may let one in and refuse another, or all. */
int oci_guards_exist(void);

/** Whether one may be let in and another not where a path is. */
int oci_guards_concern(const char *path);

/** Whether a module, such as "mod_alias.c", is one of httpd's own, or ours. */
int oci_guards_know(const char *module);

#endif /* OCI_GUARDS_H */
