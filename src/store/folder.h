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
 * @file folder.h
 * @brief What entries a directory has
 *
 * Names that begin with "." are left out; those of directories end with "/".
 * A status is APR_SUCCESS or what the system said.
 */

#ifndef OCI_FOLDER_H
#define OCI_FOLDER_H

#include <sys/stat.h>

#include "apr_errno.h"
#include "apr_pools.h"

/** A directory's names. */
typedef struct oci_folder_t {
    const char **names;    /* bytewise order, each once */
    int          count;
    int          partial;  /* there are more names than were wanted */
    int          settled;  /* as long as its ctime is that of status, the
                              directory has these names */
    struct stat  status;   /* before the reading that gave the names */
} oci_folder_t;

/**
 * Read a directory that others may change meanwhile: all that is there all
 * the time is among the names.
 * @param most With more names than this, stop and set partial; 0: no limit
 */
apr_status_t oci_folder_read(oci_folder_t *folder, const char *path,
                             int most, apr_pool_t *pool);

/** Read a directory once: where its file system is not orderly, a name that
 * is renamed over meanwhile may be missing. */
apr_status_t oci_folder_read_once(oci_folder_t *folder, const char *path,
                                  apr_pool_t *pool);

/**
 * Find any entry below a directory that is not a directory itself.  No more
 * is read than that takes.
 * @param path The directory; ends with "/".  Receives the entry's path
 * @param room Bytes that path has
 * @return APR_NOTFOUND where there is none, APR_ENAMETOOLONG
 */
apr_status_t oci_folder_find(char *path, apr_size_t room, apr_pool_t *pool);

#endif /* OCI_FOLDER_H */
