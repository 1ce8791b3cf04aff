/* SPDX-License-Identifier: Apache-2.0 */

/* Makes blobs of an "fs" blob store from files of another program.
 *
 * The file gets a second link, or a clone, under a temporary name in uploads,
 * which is then renamed to the blob's name.  The name has a "_", so that it is
 * not taken for that of an upload; a start removes what a killed process left.
 *
 * A blob that is a link has the owner of the original file.  That does no harm:
 * blobs are only read, renamed and removed.  But whoever can write to the file
 * could change the blob, so only files of root and of httpd's user are
 * linked. */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* st_mtim */
#endif

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#ifdef __linux__
#include <linux/fs.h>
#endif

#include "apr_general.h"
#include "apr_strings.h"

#include "store/fs/fs_blob_adopt.h"
#include "store/fs/fs_blob_read.h"
#include "store/owner.h"
#include "values/digest.h"

/* A start of httpd may remove a temporary that seems old. */
#define ADOPT_TRIES 3

#define READ_BUFFER (256 * 1024) /* bytes */

struct oci_fs_adopter_t {
    const oci_store_dir_t *fs;
    int uploads;   /* the directory, open */
    int no_links;  /* links are not possible from where the files are */
    int own_links; /* links to files of root are not possible */
    int no_clones; /* clones are not possible from there */
    apr_array_header_t *touched; /* the directories to sync */
    apr_pool_t *names;           /* for touched */
};

static apr_status_t close_uploads(void *data)
{
    close(((oci_fs_adopter_t *)data)->uploads);
    return APR_SUCCESS;
}

static void forget_touched(oci_fs_adopter_t *self)
{
    apr_pool_clear(self->names);
    self->touched = apr_array_make(self->names, 256, sizeof(char *));
}

apr_status_t oci_fs_adopter_open(oci_fs_adopter_t **adopter,
                                 const oci_blob_store_t *store,
                                 apr_pool_t *pool)
{
    oci_fs_adopter_t *self = apr_pcalloc(pool, sizeof(*self));
    apr_status_t rv;

    *adopter = NULL;
    self->fs = oci_fs_blobs_dir(store);
    if (!self->fs) {
        return APR_SUCCESS;
    }
    rv = apr_pool_create(&self->names, pool);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    self->uploads = open(apr_pstrcat(pool, self->fs->root, "/uploads", NULL),
                         O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (self->uploads == -1) {
        return errno;
    }
    apr_pool_cleanup_register(pool, self, close_uploads, apr_pool_cleanup_null);
    forget_touched(self);
    *adopter = self;
    return APR_SUCCESS;
}

int oci_fs_blob_foreign(const oci_fs_adopter_t *adopter, const struct stat *st)
{
    return adopter && !adopter->no_links
        && (st->st_mode & (S_IWGRP | S_IWOTH | S_ISUID | S_ISGID)
            || (st->st_uid != geteuid() && (st->st_uid || adopter->own_links)));
}

static int may_link(const oci_fs_adopter_t *self, const struct stat *st)
{
    return !self->no_links && !oci_fs_blob_foreign(self, st);
}

int oci_fs_blob_adoptable(const oci_fs_adopter_t *adopter,
                          const struct stat *st)
{
    return adopter && (!adopter->no_clones || may_link(adopter, st));
}

/* Whether a file still is what it was when its digest was verified.  Its ctime
 * may differ: links change it, too. */
static int is_unchanged(const struct stat *now, const struct stat *before)
{
    return now->st_dev == before->st_dev && now->st_ino == before->st_ino
        && now->st_size == before->st_size
        && now->st_mtim.tv_sec == before->st_mtim.tv_sec
        && now->st_mtim.tv_nsec == before->st_mtim.tv_nsec;
}

/* Link the file to a temporary name. */
static apr_status_t link_original(oci_fs_adopter_t *self,
                                  const oci_fs_original_t *original,
                                  const char *temporary)
{
    struct stat linked;
    apr_status_t rv;

    if (!may_link(self, &original->st)) {
        return APR_ENOTIMPL;
    }
    rv = oci_owner_link(original->dir, original->name, self->uploads,
                        temporary);
    if (rv == EXDEV) {
        self->no_links = 1;
    }
    if (rv == EPERM && original->st.st_uid != geteuid()) {
        self->own_links = 1;
    }
    if (rv == EXDEV || rv == EACCES || oci_io_no_links(rv)) {
        return APR_ENOTIMPL;
    }
    if (rv != APR_SUCCESS) {
        return rv == ENOENT ? APR_EBUSY : rv;
    }
    if (fstatat(self->uploads, temporary, &linked, AT_SYMLINK_NOFOLLOW)) {
        return errno;
    }
    if (!is_unchanged(&linked, &original->st)) {
        return APR_EBUSY;
    }
    return fdatasync(original->fd) ? errno : APR_SUCCESS;
}

/* Copy the file to a new one that shares its blocks. */
static apr_status_t clone_blocks(oci_fs_adopter_t *self, int to, int from)
{
#ifdef FICLONE
    if (!ioctl(to, FICLONE, from)) {
        return APR_SUCCESS;
    }
    if (errno == ENOSPC || errno == EDQUOT || errno == EIO) {
        return errno;
    }
#else
    (void)to;
    (void)from;
#endif
    self->no_clones = 1;
    return APR_ENOTIMPL;
}

/* Verify the bytes of a clone.  Any user may own the original, and change it
 * without a trace after its digest was verified. */
static apr_status_t check_clone(int fd, const char *digest, apr_pool_t *pool)
{
    oci_hash_t *hash = oci_hash_make(oci_digest_algorithm(digest), pool);
    char *buffer = apr_palloc(pool, READ_BUFFER);
    apr_off_t offset = 0;
    ssize_t n;

    while ((n = pread(fd, buffer, READ_BUFFER, offset)) > 0
           || (n == -1 && errno == EINTR)) {
        if (n > 0) {
            oci_hash_update(hash, buffer, n);
            offset += n;
        }
    }
    if (n == -1) {
        return errno;
    }
    return strcmp(oci_hash_digest(hash, pool), digest) ? APR_EBUSY
                                                       : APR_SUCCESS;
}

/* Clone the file to a temporary. */
static apr_status_t clone_original(oci_fs_adopter_t *self,
                                   const oci_fs_original_t *original,
                                   const char *path, apr_pool_t *pool)
{
    apr_status_t rv;
    int fd;

    if (self->no_clones) {
        return APR_ENOTIMPL;
    }
    fd = oci_io_open(path, O_RDWR | O_CREAT | O_EXCL);
    if (fd == -1) {
        return errno;
    }
    rv = clone_blocks(self, fd, original->fd);
    if (rv == APR_SUCCESS) {
        rv = check_clone(fd, original->digest, pool);
    }
    if (rv == APR_SUCCESS) {
        rv = oci_io_flush(fd, 1);
    }
    close(fd);
    return rv;
}

/* Give a temporary the name of its blob. */
static apr_status_t rename_temporary(oci_fs_adopter_t *self, const char *path,
                                     const char *locator)
{
    const char *blob = apr_pstrcat(self->names, self->fs->root, "/", locator,
                                   NULL);
    apr_status_t rv = rename(path, blob) ? errno : APR_SUCCESS;
    int changed;

    if (rv == ENOENT) {
        rv = oci_store_dir_make_parents(self->fs, blob, self->touched,
                                        self->names);
        if (rv == APR_SUCCESS && rename(path, blob)) {
            rv = errno;
        }
    }
    else if (rv == EISDIR && !rmdir(blob)) {
        /* an empty directory was in its place */
        rv = rename(path, blob) ? errno : APR_SUCCESS;
    }
    /* rename(2) does nothing if both names are links of one file. */
    changed = unlink(path) != 0;
    if (rv == APR_SUCCESS) {
        oci_store_dir_note(self->fs, self->touched, blob, changed, self->names);
    }
    return rv;
}

static apr_status_t try_adopt(oci_fs_adopted_e *how, oci_fs_adopter_t *self,
                              const oci_fs_original_t *original,
                              const char *locator, apr_pool_t *pool)
{
    apr_uint64_t number;
    const char *path;
    apr_status_t rv = apr_generate_random_bytes((unsigned char *)&number,
                                                sizeof(number));

    if (rv != APR_SUCCESS) {
        return rv;
    }
    path = apr_psprintf(pool, "%s/uploads/.adopt_%" APR_UINT64_T_HEX_FMT,
                        self->fs->root, number);
    *how = OCI_FS_LINKED;
    rv = link_original(self, original, strrchr(path, '/') + 1);
    if (rv == APR_ENOTIMPL) {
        *how = OCI_FS_CLONED;
        rv = clone_original(self, original, path, pool);
    }
    if (rv != APR_SUCCESS) {
        unlink(path);
        return rv;
    }
    return rename_temporary(self, path, locator);
}

apr_status_t oci_fs_blob_adopt(oci_fs_adopted_e *how, const char **locator,
                               oci_fs_adopter_t *adopter,
                               const oci_fs_original_t *original,
                               apr_pool_t *pool)
{
    apr_status_t rv;
    int tries = 0;

    *locator = oci_fs_locator(original->digest, pool);
    do {
        rv = try_adopt(how, adopter, original, *locator, pool);
    } while (rv == ENOENT && ++tries < ADOPT_TRIES);
    return rv;
}

apr_status_t oci_fs_adopter_sync(oci_fs_adopter_t *adopter)
{
    apr_status_t rv;

    if (!adopter || !adopter->touched->nelts) {
        return APR_SUCCESS;
    }
    rv = oci_store_dir_sync(adopter->fs, adopter->touched, adopter->names);
    if (rv == APR_SUCCESS) {
        forget_touched(adopter);
    }
    return rv;
}
