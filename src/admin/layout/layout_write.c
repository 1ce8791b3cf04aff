/* SPDX-License-Identifier: Apache-2.0 */

/* Writes an OCI image layout: a directory, or a tar archive of one. */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* mkostemp */
#endif

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apr_lib.h"
#include "apr_strings.h"
#include "apr_tables.h"

#include "admin/layout/layout_write.h"
#include "admin/layout/tar_header.h"
#include "admin/terminal.h"
#include "store/io.h"
#include "store/owner.h"
#include "values/digest.h"

#define BLOBS "blobs"

struct oci_layout_writer_t {
    const char *path;
    char *temporary; /* its name until it is complete */
    int fd;          /* the archive, or the directory */
    int file;        /* the file that was begun, in a directory */
    int is_tar;
    apr_off_t size;            /* of the file that was begun, bytes */
    apr_array_header_t *names; /* const char *: the files that were begun */
    int has_dir[2];            /* whether the directory of an algorithm was
                                  made */
    apr_pool_t *pool;
};

static const char *refuse(const oci_layout_writer_t *writer, const char *what,
                          apr_status_t rv)
{
    return oci_io_failure(what, oci_terminal_text(writer->path, writer->pool),
                          rv, writer->pool);
}

static int is_tar(const char *path)
{
    apr_size_t length = strlen(path);

    return length > 4 && !strcmp(path + length - 4, ".tar");
}

/* Whether a path has the name of a compressed archive. */
static int is_compressed(const char *path)
{
    const char *name = apr_filepath_name_get(path);
    apr_size_t length = strlen(name);

    return strstr(name, ".tar.")
        || (length > 4 && !strcmp(name + length - 4, ".tgz"));
}

/* Whether a directory is empty, and close it.
 * dir: NULL if it could not be opened */
static int is_empty(DIR *dir)
{
    int count = 0;

    if (!dir) {
        return 0;
    }
    while (readdir(dir)) {
        count++;
    }
    closedir(dir);
    return count <= 2; /* . and .. */
}

static const char *check_path(const char *path, apr_pool_t *pool)
{
    const char *shown = oci_terminal_text(path, pool);
    struct stat st;

    if (is_compressed(path)) {
        return apr_psprintf(pool,
                            "%s is not written: archives are not compressed, "
                            "and their names end in .tar",
                            shown);
    }
    if (lstat(path, &st)) {
        return errno == ENOENT ? NULL
                               : oci_io_failure("write", shown, errno, pool);
    }
    if (is_tar(path)) {
        return apr_psprintf(pool,
                            "%s exists: remove it first, or write to "
                            "another file",
                            shown);
    }
    return S_ISDIR(st.st_mode) && is_empty(opendir(path))
        ? NULL
        : apr_psprintf(pool,
                       "%s exists, and is not an empty directory: write to a "
                       "new directory, or to a file whose name ends in .tar",
                       shown);
}

const char *oci_layout_write_check(const char *path, apr_pool_t *pool)
{
    oci_owner_paused_t paused;
    const char *error;

    oci_owner_pause(&paused);
    error = check_path(path, pool);
    oci_owner_resume(&paused);
    return error;
}

/* Open the temporary file or directory.  The owner of the parent could put
 * another directory of ours in its place before it is opened, but not an empty
 * one that matters. */
static int open_temporary(oci_layout_writer_t *self)
{
    int fd;

    if (self->is_tar) {
        return mkostemp(self->temporary, O_CLOEXEC);
    }
    if (!mkdtemp(self->temporary)) {
        return -1;
    }
    fd = open(self->temporary, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd != -1
        && !is_empty(
            fdopendir(openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)))) {
        close(fd);
        errno = ENOTEMPTY;
        return -1;
    }
    return fd;
}

const char *oci_layout_write_begin(oci_layout_writer_t **writer,
                                   const char *path, apr_pool_t *pool)
{
    oci_layout_writer_t *self = apr_pcalloc(pool, sizeof(*self));
    char *end = apr_pstrdup(pool, path);
    oci_owner_paused_t paused;
    apr_status_t rv;

    while (strlen(end) > 1 && end[strlen(end) - 1] == '/') {
        end[strlen(end) - 1] = '\0';
    }
    self->path = end;
    self->is_tar = is_tar(path);
    self->temporary = apr_pstrcat(pool, end, ".XXXXXX", NULL);
    self->file = -1;
    self->names = apr_array_make(pool, 16, sizeof(const char *));
    self->pool = pool;
    oci_owner_pause(&paused);
    self->fd = open_temporary(self);
    rv = self->fd == -1 ? errno : APR_SUCCESS;
    oci_owner_resume(&paused);
    *writer = self;
    return rv == APR_SUCCESS ? NULL : refuse(self, "write", rv);
}

/* Write to the archive. */
static const char *write_tar(const oci_layout_writer_t *writer,
                             const char *data, apr_size_t size)
{
    apr_status_t rv = oci_io_write(writer->fd, data, size);

    return rv == APR_SUCCESS ? NULL : refuse(writer, "write", rv);
}

static const char *write_header(const oci_layout_writer_t *writer,
                                const char *name, char kind, apr_off_t size)
{
    apr_pool_t *scratch;
    apr_size_t length;
    const char *header, *error;

    if (apr_pool_create(&scratch, writer->pool) != APR_SUCCESS) {
        return "there is not enough memory";
    }
    header = oci_tar_header_make(&length, name, kind, size, scratch);
    error = write_tar(writer, header, length);
    apr_pool_destroy(scratch);
    return error;
}

static apr_status_t open_file(oci_layout_writer_t *writer, const char *name)
{
    oci_owner_paused_t paused;
    apr_status_t rv;

    oci_owner_pause(&paused);
    writer->file = openat(writer->fd, name,
                          O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                          0666);
    rv = writer->file == -1 ? errno : APR_SUCCESS;
    oci_owner_resume(&paused);
    return rv;
}

const char *oci_layout_write_file(oci_layout_writer_t *writer, const char *name,
                                  apr_off_t size)
{
    apr_status_t rv;

    writer->size = size;
    if (writer->is_tar) {
        return write_header(writer, name, OCI_TAR_FILE, size);
    }
    rv = open_file(writer, name);
    if (rv != APR_SUCCESS) {
        return refuse(writer, "write to", rv);
    }
    APR_ARRAY_PUSH(writer->names, const char *) = apr_pstrdup(writer->pool,
                                                              name);
    return NULL;
}

/* Make a directory, unless it exists. */
static const char *make_dir(const oci_layout_writer_t *writer, const char *name)
{
    oci_owner_paused_t paused;
    apr_status_t rv;

    if (writer->is_tar) {
        return write_header(writer, apr_pstrcat(writer->pool, name, "/", NULL),
                            OCI_TAR_DIRECTORY, 0);
    }
    oci_owner_pause(&paused);
    rv = mkdirat(writer->fd, name, 0777) ? errno : APR_SUCCESS;
    oci_owner_resume(&paused);
    return rv == APR_SUCCESS ? NULL : refuse(writer, "write to", rv);
}

static const char *algorithm_dir(oci_algorithm_e algorithm, apr_pool_t *pool)
{
    return apr_pstrcat(pool, BLOBS "/", oci_algorithm_name(algorithm), NULL);
}

/* Make the directory for the blobs of an algorithm, if there is none. */
static const char *make_blob_dir(oci_layout_writer_t *writer,
                                 oci_algorithm_e algorithm)
{
    const char *error = NULL;

    if (writer->has_dir[algorithm]) {
        return NULL;
    }
    if (!writer->has_dir[OCI_SHA256] && !writer->has_dir[OCI_SHA512]) {
        error = make_dir(writer, BLOBS);
    }
    writer->has_dir[algorithm] = 1;
    return error ? error
                 : make_dir(writer, algorithm_dir(algorithm, writer->pool));
}

const char *oci_layout_write_blob(oci_layout_writer_t *writer,
                                  const char *digest, apr_off_t size)
{
    oci_algorithm_e algorithm = oci_digest_algorithm(digest);
    const char *error = make_blob_dir(writer, algorithm);

    return error
        ? error
        : oci_layout_write_file(writer,
                                apr_pstrcat(writer->pool,
                                            algorithm_dir(algorithm,
                                                          writer->pool),
                                            "/", strchr(digest, ':') + 1, NULL),
                                size);
}

const char *oci_layout_write_data(oci_layout_writer_t *writer, const char *data,
                                  apr_size_t size)
{
    apr_status_t rv = oci_io_write(writer->is_tar ? writer->fd : writer->file,
                                   data, size);

    return rv == APR_SUCCESS ? NULL : refuse(writer, "write to", rv);
}

static apr_status_t close_file(oci_layout_writer_t *writer, int durable)
{
    apr_status_t rv = durable ? oci_io_flush(writer->file, 1) : APR_SUCCESS;

    if (close(writer->file) && rv == APR_SUCCESS) {
        rv = errno;
    }
    writer->file = -1;
    return rv;
}

const char *oci_layout_write_end(oci_layout_writer_t *writer)
{
    static const char zeros[OCI_TAR_BLOCK];
    apr_status_t rv;

    if (writer->is_tar) {
        return write_tar(writer, zeros, oci_tar_padding(writer->size));
    }
    rv = close_file(writer, 1);
    return rv == APR_SUCCESS ? NULL : refuse(writer, "write to", rv);
}

static mode_t current_umask(void)
{
    mode_t mask = umask(0);

    umask(mask);
    return mask;
}

/* Sync the names in a directory, if it was made. */
static apr_status_t sync_dir(const oci_layout_writer_t *writer,
                             const char *name)
{
    int fd = openat(writer->fd, name,
                    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    apr_status_t rv;

    if (fd == -1) {
        return errno == ENOENT ? APR_SUCCESS : errno;
    }
    rv = fsync(fd) ? errno : APR_SUCCESS;
    close(fd);
    return rv;
}

static apr_status_t sync_all(const oci_layout_writer_t *writer)
{
    apr_status_t rv = APR_SUCCESS;
    int i;

    for (i = 0; i < 2 && !writer->is_tar && rv == APR_SUCCESS; i++) {
        rv = sync_dir(writer, algorithm_dir(i, writer->pool));
    }
    if (rv == APR_SUCCESS && !writer->is_tar) {
        rv = sync_dir(writer, BLOBS);
    }
    return rv == APR_SUCCESS && fsync(writer->fd) ? errno : rv;
}

/* Give the archive or the directory its mode and its name. */
static apr_status_t publish(oci_layout_writer_t *writer)
{
    const char *from = writer->temporary;
    apr_status_t rv;

    if (fchmod(writer->fd, (writer->is_tar ? 0666 : 0777) & ~current_umask())) {
        return errno;
    }
    rv = sync_all(writer);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (!writer->is_tar) {
        return rename(from, writer->path) ? errno : APR_SUCCESS;
    }
    rv = oci_io_rename_new(&from, writer->path);
    if (rv == APR_SUCCESS && from) {
        unlink(from);
    }
    return rv;
}

const char *oci_layout_write_commit(oci_layout_writer_t *writer)
{
    static const char zeros[2 * OCI_TAR_BLOCK];
    const char *error = writer->is_tar ? write_tar(writer, zeros, sizeof(zeros))
                                       : NULL;
    oci_owner_paused_t paused;
    apr_status_t rv;

    if (!error) {
        oci_owner_pause(&paused);
        rv = publish(writer);
        oci_owner_resume(&paused);
        error = rv == APR_SUCCESS ? NULL : refuse(writer, "write", rv);
    }
    if (error) {
        oci_layout_write_abort(writer);
        return error;
    }
    close(writer->fd);
    return NULL;
}

/* Remove the files and the directories that were made. */
static void remove_files(const oci_layout_writer_t *writer)
{
    int i;

    for (i = 0; i < writer->names->nelts; i++) {
        unlinkat(writer->fd, APR_ARRAY_IDX(writer->names, i, const char *), 0);
    }
    for (i = 0; i < 2; i++) {
        unlinkat(writer->fd, algorithm_dir(i, writer->pool), AT_REMOVEDIR);
    }
    unlinkat(writer->fd, BLOBS, AT_REMOVEDIR);
    rmdir(writer->temporary);
}

void oci_layout_write_abort(oci_layout_writer_t *writer)
{
    oci_owner_paused_t paused;

    if (writer->file != -1) {
        close_file(writer, 0);
    }
    oci_owner_pause(&paused);
    if (writer->is_tar) {
        unlink(writer->temporary);
    }
    else {
        remove_files(writer);
    }
    oci_owner_resume(&paused);
    close(writer->fd);
}
