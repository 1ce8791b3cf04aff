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

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "apr_escape.h"
#include "apr_general.h"
#include "apr_strings.h"

#include "store/blob_id.h"

#define SIZE 16                /* of a new id, bytes */
#define LONGEST 64             /* of any, characters */

static apr_status_t read_id(const char **id, const oci_fs_t *fs,
                            const char *path, apr_pool_t *pool)
{
    oci_value_t value;
    apr_status_t rv = oci_fs_read(&value, path, pool);
    apr_size_t length;

    if (rv) {
        return oci_fs_absent(fs, rv);
    }
    length = strcspn(value.data, "\r\n");
    *id = apr_pstrmemdup(pool, value.data, length < LONGEST ? length
                                                            : LONGEST);
    return length ? APR_SUCCESS : EINVAL;
}

/* Write a new id into a temporary, which a start removes if we cannot. */
static apr_status_t write_temporary(const char **temporary,
                                    const oci_fs_t *fs, apr_pool_t *pool)
{
    unsigned char random[SIZE];
    apr_status_t rv = apr_generate_random_bytes(random, SIZE);
    const char *text;
    int fd;

    if (rv) {
        return rv;
    }
    text = apr_pstrcat(pool, apr_pescape_hex(pool, random, SIZE, 0), "\n",
                       NULL);
    *temporary = apr_psprintf(pool, "%s/uploads/.id-%.16s", fs->root, text);
    fd = oci_fs_open(*temporary, O_WRONLY | O_CREAT | O_EXCL);
    if (fd == -1) {
        return errno;
    }
    rv = oci_fs_write(fd, text, strlen(text));
    if (!rv) {
        rv = oci_fs_flush(fd, 1);
    }
    close(fd);
    if (rv) {
        unlink(*temporary);
    }
    return rv;
}

static apr_status_t make_id(const oci_fs_t *fs, const char *path,
                            apr_pool_t *pool)
{
    const char *temporary;
    apr_status_t rv = write_temporary(&temporary, fs, pool);

    if (rv) {
        return rv;
    }
    rv = oci_fs_rename_new(&temporary, path);
    if (temporary) {
        unlink(temporary);
    }
    return rv && rv != EEXIST ? rv : oci_fs_sync_folder(fs->top);
}

apr_status_t oci_blob_id(const char **id, const oci_fs_t *fs, int make,
                         apr_pool_t *pool)
{
    const char *path = apr_pstrcat(pool, fs->top, "/.id", NULL);
    apr_status_t rv = read_id(id, fs, path, pool);

    if (rv != APR_NOTFOUND || !make) {
        return rv;
    }
    rv = make_id(fs, path, pool);
    return rv ? rv : read_id(id, fs, path, pool);
}
