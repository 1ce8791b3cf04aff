/* SPDX-License-Identifier: Apache-2.0 */

/* The id of an "fs" blob store. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "apr_escape.h"
#include "apr_general.h"
#include "apr_strings.h"

#include "store/fs/fs_blob_id.h"

#define RANDOM_SIZE 16 /* of a new id, bytes before hex encoding */
#define ID_MAX      64 /* of any id, characters */

static apr_status_t read_id(const char **id, const oci_store_dir_t *fs,
                            const char *path, apr_pool_t *pool)
{
    oci_value_t value;
    apr_status_t rv = oci_io_read(&value, path, pool);
    apr_size_t length;

    if (rv != APR_SUCCESS) {
        return oci_store_dir_classify(fs, rv);
    }
    length = strcspn(value.data, "\r\n");
    if (!length || length > ID_MAX) {
        return EINVAL;
    }
    *id = apr_pstrmemdup(pool, value.data, length);
    return APR_SUCCESS;
}

/* Write a new id to a temporary file.  If we cannot remove it, a start does. */
static apr_status_t write_temporary(const char **temporary,
                                    const oci_store_dir_t *fs, apr_pool_t *pool)
{
    unsigned char random[RANDOM_SIZE];
    apr_status_t rv = apr_generate_random_bytes(random, RANDOM_SIZE);
    const char *text;
    int fd;

    if (rv != APR_SUCCESS) {
        return rv;
    }
    text = apr_pstrcat(pool, apr_pescape_hex(pool, random, RANDOM_SIZE, 0),
                       "\n", NULL);
    *temporary = apr_psprintf(pool, "%s/uploads/.id-%.16s", fs->root, text);
    fd = oci_io_open(*temporary, O_WRONLY | O_CREAT | O_EXCL);
    if (fd == -1) {
        return errno;
    }
    rv = oci_io_write(fd, text, strlen(text));
    if (rv == APR_SUCCESS) {
        rv = oci_io_flush(fd, 1);
    }
    close(fd);
    if (rv != APR_SUCCESS) {
        unlink(*temporary);
    }
    return rv;
}

static apr_status_t create_id(const oci_store_dir_t *fs, const char *path,
                              apr_pool_t *pool)
{
    const char *temporary;
    apr_status_t rv = write_temporary(&temporary, fs, pool);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = oci_io_rename_new(&temporary, path);
    if (temporary) {
        unlink(temporary);
    }
    return rv != APR_SUCCESS && rv != EEXIST ? rv : oci_io_sync_dir(fs->top);
}

apr_status_t oci_fs_blob_id(const char **id, const oci_store_dir_t *fs,
                            int make, apr_pool_t *pool)
{
    const char *path = apr_pstrcat(pool, fs->top, "/.id", NULL);
    apr_status_t rv = read_id(id, fs, path, pool);

    if (rv != APR_NOTFOUND || !make) {
        return rv;
    }
    rv = create_id(fs, path, pool);
    return rv != APR_SUCCESS ? rv : read_id(id, fs, path, pool);
}
