/* SPDX-License-Identifier: Apache-2.0 */

/* Reads an OCI image layout: a directory, or a tar archive of one. */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* AT_EACCESS */
#endif

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "apr_strings.h"

#include "admin/layout/layout.h"
#include "admin/layout/tar_read.h"
#include "admin/terminal.h"
#include "store/owner.h"
#include "values/digest.h"
#include "values/json_check.h"
#include "values/json_span.h"

/* The most bytes of the file oci-layout. */
#define MARK_MAX (64 * 1024)

struct oci_layout_t {
    const char *path; /* safe to show */
    int fd;           /* the directory or the archive */
    struct stat st;
    int blobs[2];   /* the directories of blobs, by algorithm; -1: none */
    oci_tar_t *tar; /* NULL for a directory */
    apr_pool_t *pool;
};

/* How the files of programs that compress begin. */
static const struct {
    const char *begin;
    int length;
    const char *name;
    const char *command;
} compressed[] = {
    { "\x1f\x8b", 2, "gzip", "gzip -dc" },
    { "\x28\xb5\x2f\xfd", 4, "zstd", "zstd -dc" },
    { "\xfd"
      "7zXZ",
      5, "xz", "xz -dc" },
    { "BZh", 3, "bzip2", "bzip2 -dc" },
    { NULL, 0, NULL, NULL },
};

static apr_status_t close_layout(void *data)
{
    oci_layout_t *layout = data;
    int i;

    close(layout->fd);
    for (i = 0; i < 2; i++) {
        if (layout->blobs[i] != -1) {
            close(layout->blobs[i]);
        }
    }
    return APR_SUCCESS;
}

static const char *refuse(const oci_layout_t *layout, const char *why)
{
    return apr_psprintf(layout->pool, "%s is not an OCI image layout: %s",
                        layout->path, why);
}

const char *oci_layout_open(oci_layout_t **layout, const char *path,
                            apr_pool_t *pool)
{
    oci_layout_t *self = apr_pcalloc(pool, sizeof(*self));

    self->path = oci_terminal_text(path, pool);
    self->pool = pool;
    self->blobs[0] = self->blobs[1] = -1;
    /* a pipe does not make us wait */
    self->fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (self->fd == -1 || fstat(self->fd, &self->st)) {
        return apr_psprintf(pool, "cannot read %s: %s", self->path,
                            strerror(errno));
    }
    apr_pool_cleanup_register(pool, self, close_layout, apr_pool_cleanup_null);
    *layout = self;
    return S_ISDIR(self->st.st_mode) || S_ISREG(self->st.st_mode)
        ? NULL
        : refuse(self, "it is neither a directory nor a regular file");
}

/* Say with which command a compressed file is made an archive; NULL if it is
 * not compressed. */
static const char *refuse_compressed(const oci_layout_t *layout)
{
    char begin[8] = "";
    int i;

    if (pread(layout->fd, begin, sizeof(begin), 0) <= 0) {
        return NULL;
    }
    for (i = 0; compressed[i].begin; i++) {
        if (!memcmp(begin, compressed[i].begin, compressed[i].length)) {
            return apr_psprintf(layout->pool,
                                "%s is compressed with %s: decompress it "
                                "first, for example with \"%s '%s' > NEW.tar\"",
                                layout->path, compressed[i].name,
                                compressed[i].command, layout->path);
        }
    }
    return NULL;
}

static const char *read_tar(oci_layout_t *layout)
{
    const char *error = refuse_compressed(layout);

    if (error) {
        return error;
    }
    error = oci_tar_read(&layout->tar, layout->fd, layout->st.st_size,
                         layout->pool);
    if (error) {
        return apr_psprintf(layout->pool,
                            "%s cannot be read as a tar archive: %s",
                            layout->path, error);
    }
    if (!oci_tar_document(layout->tar, OCI_TAR_OCI_LAYOUT)->offset
        && oci_tar_document(layout->tar, OCI_TAR_DOCKER_MANIFEST)->offset) {
        return apr_psprintf(layout->pool,
                            "%s is an archive of \"docker save\", not an OCI "
                            "image layout: convert each image in it with "
                            "\"skopeo copy docker-archive:'%s':NAME:TAG "
                            "oci-archive:NEW.tar:TAG\"",
                            layout->path, layout->path);
    }
    return NULL;
}

/* Open a member of the archive; NULL: there is no such member. */
static apr_status_t open_member(oci_import_file_t *file,
                                const oci_layout_t *layout,
                                const oci_tar_extent_t *member)
{
    if (!member || !member->offset) {
        return ENOENT;
    }
    file->dir = -1;
    file->name = NULL;
    file->fd = fcntl(layout->fd, F_DUPFD_CLOEXEC, 0);
    file->offset = member->offset;
    file->size = member->size;
    file->read = 0;
    file->st = layout->st;
    return file->fd == -1 ? errno : APR_SUCCESS;
}

/* Open a file of a directory with the rights of the caller. */
static apr_status_t open_regular(oci_import_file_t *file, int dir,
                                 const char *name)
{
    oci_owner_paused_t paused;
    apr_status_t rv;

    oci_owner_pause(&paused);
    rv = oci_import_regular_open(&file->fd, &file->st, dir, name);
    oci_owner_resume(&paused);
    file->dir = -1;
    file->name = NULL;
    file->offset = 0;
    file->size = file->st.st_size;
    file->read = 0;
    return rv;
}

/* Open one of the documents. */
static apr_status_t open_document(oci_import_file_t *file,
                                  const oci_layout_t *layout,
                                  oci_tar_document_e document, const char *name)
{
    return layout->tar
        ? open_member(file, layout, oci_tar_document(layout->tar, document))
        : open_regular(file, layout->fd, name);
}

static const char *refuse_file(const oci_layout_t *layout, const char *name,
                               apr_status_t rv)
{
    return refuse(layout,
                  apr_psprintf(layout->pool, "cannot read %s in it: %s", name,
                               oci_import_fault(rv, layout->pool)));
}

static const char *read_document(const char **data, apr_size_t *size,
                                 const oci_layout_t *layout,
                                 oci_tar_document_e document, apr_off_t most)
{
    const char *name = document == OCI_TAR_INDEX ? "index.json" : "oci-layout";
    oci_import_file_t file;
    char *buffer;
    ssize_t n = 1;
    apr_status_t rv = open_document(&file, layout, document, name);

    if (rv != APR_SUCCESS) {
        return refuse_file(layout, name, rv);
    }
    if (file.size > most) {
        oci_import_file_close(&file);
        return refuse(layout,
                      apr_psprintf(layout->pool,
                                   "%s in it has more than %" APR_OFF_T_FMT
                                   " bytes",
                                   name, most));
    }
    buffer = apr_palloc(layout->pool, file.size + 1);
    while (n > 0) {
        n = oci_import_file_read(&file, buffer + file.read,
                                 file.size - file.read);
    }
    rv = n < 0 ? errno : APR_SUCCESS;
    *data = buffer;
    *size = file.read;
    oci_import_file_close(&file);
    return rv == APR_SUCCESS ? NULL : refuse_file(layout, name, rv);
}

/* Check the file that marks a layout, and its version. */
static const char *check_mark(const oci_layout_t *layout)
{
    static const char *const names[] = { "imageLayoutVersion" };
    oci_span_t version;
    const char *data, *text;
    apr_size_t size;
    const char *error = read_document(&data, &size, layout, OCI_TAR_OCI_LAYOUT,
                                      MARK_MAX);

    if (error) {
        return error;
    }
    error = oci_json_check(data, size, layout->pool);
    if (error) {
        return refuse(layout,
                      apr_pstrcat(layout->pool,
                                  "oci-layout in it is "
                                  "not valid JSON: ",
                                  error, NULL));
    }
    oci_span_members(&version, oci_span_of(data, size), names, 1);
    text = oci_span_text(version, layout->pool);
    return text && !strncmp(text, "1.", 2)
        ? NULL
        : refuse(layout,
                 "its version is not supported: expected 1.0.0 as "
                 "imageLayoutVersion in oci-layout");
}

static const char *open_blobs(oci_layout_t *layout)
{
    int i;

    for (i = 0; i < 2; i++) {
        const char *path = apr_pstrcat(layout->pool, "blobs/",
                                       oci_algorithm_name(i), NULL);
        oci_owner_paused_t paused;
        apr_status_t rv;

        oci_owner_pause(&paused);
        rv = oci_import_path_open(&layout->blobs[i], layout->fd, path,
                                  O_DIRECTORY);
        oci_owner_resume(&paused);
        if (rv != APR_SUCCESS && rv != ENOENT) {
            return refuse_file(layout, path, rv);
        }
    }
    return NULL;
}

const char *oci_layout_check(oci_layout_t *layout)
{
    const char *error = S_ISDIR(layout->st.st_mode) ? open_blobs(layout)
                                                    : read_tar(layout);

    return error ? error : check_mark(layout);
}

const char *oci_layout_index(const char **data, apr_size_t *size,
                             const oci_layout_t *layout)
{
    return read_document(data, size, layout, OCI_TAR_INDEX,
                         OCI_LAYOUT_INDEX_MAX);
}

apr_status_t oci_layout_file(oci_import_file_t *file, const void *source,
                             const char *digest)
{
    const oci_layout_t *layout = source;
    const char *hex = strchr(digest, ':') + 1;
    int dir = layout->blobs[oci_digest_algorithm(digest)];
    apr_status_t rv;

    if (layout->tar) {
        return open_member(file, layout, oci_tar_blob(layout->tar, digest));
    }
    if (dir == -1) {
        return ENOENT;
    }
    rv = open_regular(file, dir, hex);
    /* only what the owner of the store can read may be linked there */
    if (rv == APR_SUCCESS && !faccessat(dir, hex, R_OK, AT_EACCESS)) {
        file->dir = fcntl(dir, F_DUPFD_CLOEXEC, 0);
        file->name = file->dir == -1 ? NULL : hex;
    }
    return rv;
}

const char *oci_layout_path(const oci_layout_t *layout)
{
    return layout->path;
}
