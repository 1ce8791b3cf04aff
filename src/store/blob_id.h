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
 * @file blob_id.h
 * @brief The id of a blob store in a folder
 */

#ifndef OCI_BLOB_ID_H
#define OCI_BLOB_ID_H

#include "store/fs.h"

/**
 * Read the id of a blob store, the first line of the file ".id" in its top
 * folder.
 * @param make Whether to make one where there is none
 * @return APR_NOTFOUND where the store is in its place and has none
 */
apr_status_t oci_blob_id(const char **id, const oci_fs_t *fs, int make,
                         apr_pool_t *pool);

#endif /* OCI_BLOB_ID_H */
