/* SPDX-License-Identifier: Apache-2.0 */

/* The files that an import reads.  Every name is opened in its open directory,
 * so that no symbolic link is followed. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "apr_strings.h"

#include "admin/import/import_file.h"
#include "admin/interrupt.h"

#define NAME_LENGTH 256 /* of one name, with its NUL */

#define READ_BUFFER (256 * 1024) /* bytes */

static int open_retry(int dir, const char *name, int flags)
{
    int fd;

    do {
        fd = openat(dir, name, flags | O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    } while (fd == -1 && errno == EINTR);
    return fd;
}

apr_status_t oci_import_path_open(int *result, int dir, const char *path,
                                  int flags)
{
    char name[NAME_LENGTH];
    int at = dir, fd;

    for (;;) {
        size_t length = strcspn(path, "/");
        int last = !path[length];

        if (length >= sizeof(name)) {
            errno = ENAMETOOLONG;
            fd = -1;
        }
        else {
            memcpy(name, path, length);
            name[length] = '\0';
            fd = open_retry(at, name, last ? flags : O_DIRECTORY);
        }
        if (at != dir) {
            int saved = errno;

            close(at);
            errno = saved;
        }
        if (fd == -1 || last) {
            *result = fd;
            return fd == -1 ? errno : APR_SUCCESS;
        }
        at = fd;
        path += length + 1;
    }
}

/* A pipe in place of the file does not make us wait. */
apr_status_t oci_import_regular_open(int *fd, struct stat *st, int dir,
                                     const char *path)
{
    apr_status_t rv = oci_import_path_open(fd, dir, path, O_NONBLOCK);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (fstat(*fd, st)) {
        rv = errno;
    }
    else if (!S_ISREG(st->st_mode)) {
        rv = ENOENT;
    }
    if (rv != APR_SUCCESS) {
        close(*fd);
    }
    return rv;
}

ssize_t oci_import_file_read(oci_import_file_t *file, char *buffer, size_t size)
{
    apr_off_t left = file->size - file->read;
    ssize_t n;

    if ((apr_off_t)size > left) {
        size = left;
    }
    do {
        n = pread(file->fd, buffer, size, file->offset + file->read);
    } while (n == -1 && errno == EINTR);
    if (n > 0) {
        file->read += n;
    }
    return n;
}

void oci_import_file_rewind(oci_import_file_t *file)
{
    file->read = 0;
}

apr_status_t oci_import_file_digest(const char **digest,
                                    oci_import_file_t *file,
                                    oci_algorithm_e algorithm, apr_pool_t *pool)
{
    oci_hash_t *hash = oci_hash_make(algorithm, pool);
    char *buffer = apr_palloc(pool, READ_BUFFER);
    ssize_t n;

    while ((n = oci_import_file_read(file, buffer, READ_BUFFER)) > 0) {
        oci_hash_update(hash, buffer, n);
        if (oci_interrupt_pending()) {
            return APR_EINTR;
        }
    }
    if (n < 0) {
        return errno;
    }
    *digest = oci_hash_digest(hash, pool);
    oci_import_file_rewind(file);
    return APR_SUCCESS;
}

void oci_import_file_close(const oci_import_file_t *file)
{
    close(file->fd);
    if (file->dir != -1) {
        close(file->dir);
    }
}

const char *oci_import_fault(apr_status_t rv, apr_pool_t *pool)
{
    char reason[120];

    switch (rv) {
    case APR_EINVAL:
        return "it is empty or does not hold the digest that it should";
    case ENOENT:
        return "there is no such file";
    case ENOTDIR:
    case ELOOP:
        return "it is of another kind; symbolic links are not followed";
    default:
        return apr_pstrdup(pool, apr_strerror(rv, reason, sizeof(reason)));
    }
}
