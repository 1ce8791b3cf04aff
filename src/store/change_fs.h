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
 * @file change_fs.h
 * @brief How the index "fs" changes
 */

#ifndef OCI_CHANGE_FS_H
#define OCI_CHANGE_FS_H

#include "store/fs.h"

/** The longest value that is kept as a symbolic link's target (bytes). */
#define OCI_TARGET_MAX 1023

/** oci_index_provider_t's apply, in an index that lies at fs->top. */
apr_status_t oci_changes_apply(const oci_fs_t *fs,
                               const oci_change_t *changes, int count,
                               int durable, apr_pool_t *pool);

#endif /* OCI_CHANGE_FS_H */
