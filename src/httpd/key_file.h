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
 * @file key_file.h
 * @brief The file of OCITokenKey
 */

#ifndef OCI_KEY_FILE_H
#define OCI_KEY_FILE_H

#include "spec/key_set.h"
#include "store/owner.h"

/**
 * Read the keys of a file.  Where there is none it is made first, with a new
 * key, for nobody to read but who starts the server.  Where httpd's user
 * can write to a directory on the way to it, all is done as this user.
 * @param keys Set to the keys, which live in pool
 * @param user Of httpd's children
 * @return NULL, or a sentence that says what is wrong
 */
const char *oci_key_file_read(oci_keys_t **keys, const char *path,
                              const oci_owner_t *user, apr_pool_t *pool);

#endif /* OCI_KEY_FILE_H */
