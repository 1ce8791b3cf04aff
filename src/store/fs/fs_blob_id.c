/* SPDX-License-Identifier: Apache-2.0 */

/* The id of an "fs" blob store, and the id of the index that it belongs to. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "apr_escape.h"
#include "apr_general.h"
#include "apr_strings.h"
#include "apr_time.h"

#include "store/fs/fs_blob_id.h"

#define RANDOM_SIZE 16 /* of a new id, bytes before hex encoding */
#define ID_MAX      64 /* of any id, characters */

/* How often, and how long, to wait for the lock. */
#define LOCK_TRIES 500
#define LOCK_STEP  apr_time_from_msec(20)

/* A change of an id; NULL is no id. */
typedef struct id_change_t {
    const char *old; /* change it only if this is the present one */
    const char *id;  /* the new one; NULL to read only */
} id_change_t;

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

/* Write an id to a temporary file, a new random one if id is NULL.  If we
 * cannot remove the file, a start does. */
static apr_status_t write_temporary(const char **temporary,
                                    const oci_store_dir_t *fs, const char *id,
                                    apr_pool_t *pool)
{
    unsigned char random[RANDOM_SIZE];
    apr_status_t rv = apr_generate_random_bytes(random, RANDOM_SIZE);
    const char *name, *text;
    int fd;

    if (rv != APR_SUCCESS) {
        return rv;
    }
    name = apr_pescape_hex(pool, random, RANDOM_SIZE, 0);
    text = apr_pstrcat(pool, id ? id : name, "\n", NULL);
    *temporary = apr_psprintf(pool, "%s/uploads/.id-%.16s", fs->root, name);
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
    apr_status_t rv = write_temporary(&temporary, fs, NULL, pool);

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

/* The caller holds the lock. */
static apr_status_t replace_id(const oci_store_dir_t *fs, const char *path,
                               const char *id, apr_pool_t *pool)
{
    const char *temporary;
    apr_status_t rv = write_temporary(&temporary, fs, id, pool);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (rename(temporary, path)) {
        rv = errno;
        unlink(temporary);
        return rv;
    }
    return oci_io_sync_dir(fs->top);
}

/* As read_id; *id is NULL if there is none. */
static apr_status_t read_any_id(const char **id, const oci_store_dir_t *fs,
                                const char *path, apr_pool_t *pool)
{
    apr_status_t rv = read_id(id, fs, path, pool);

    if (rv == APR_NOTFOUND) {
        *id = NULL;
    }
    return rv == APR_NOTFOUND ? APR_SUCCESS : rv;
}

/* Lock a file of the store until it is closed. */
static apr_status_t lock_file(int *fd, const char *path)
{
    int tries;

    *fd = oci_io_open(path, O_RDWR);
    if (*fd == -1) {
        return errno;
    }
    for (tries = 0; flock(*fd, LOCK_EX | LOCK_NB); tries++) {
        apr_status_t rv = errno == EWOULDBLOCK ? APR_TIMEUP : errno;

        if (rv != APR_TIMEUP || tries == LOCK_TRIES) {
            close(*fd);
            return rv;
        }
        apr_sleep(LOCK_STEP);
    }
    return APR_SUCCESS;
}

static int is_equal(const char *a, const char *b)
{
    return a && b ? !strcmp(a, b) : a == b;
}

/* Read an id, and change it if it is the old one. */
static apr_status_t change_id(const char **id, const oci_store_dir_t *fs,
                              const char *path, const id_change_t *change,
                              apr_pool_t *pool)
{
    apr_status_t rv = read_any_id(id, fs, path, pool);
    int fd;

    if (rv != APR_SUCCESS || !change->id || !is_equal(*id, change->old)) {
        return rv;
    }
    rv = lock_file(&fd, apr_pstrcat(pool, fs->top, "/.version", NULL));
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = read_any_id(id, fs, path, pool);
    if (rv == APR_SUCCESS && is_equal(*id, change->old)) {
        rv = replace_id(fs, path, change->id, pool);
        if (rv == APR_SUCCESS) {
            *id = apr_pstrdup(pool, change->id);
        }
    }
    flock(fd, LOCK_UN);
    close(fd);
    return rv;
}

apr_status_t oci_fs_blob_change_id(const char **id, const oci_store_dir_t *fs,
                                   const char *old, const char *id_new,
                                   apr_pool_t *pool)
{
    id_change_t change = { old, id_new };

    return change_id(id, fs, apr_pstrcat(pool, fs->top, "/.id", NULL), &change,
                     pool);
}

apr_status_t oci_fs_blob_owner(const char **owner, const oci_store_dir_t *fs,
                               const char *old, const char *owner_new,
                               apr_pool_t *pool)
{
    id_change_t change = { old, owner_new };

    return change_id(owner, fs, apr_pstrcat(pool, fs->top, "/.index", NULL),
                     &change, pool);
}
