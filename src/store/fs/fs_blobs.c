/* SPDX-License-Identifier: Apache-2.0 */

/* The blob store "fs".  Below DIR, its location:
 *
 *     blobs/.version           "mod_oci blob store 1" LF
 *     blobs/.id                the store's id, see fs_blob_id.c
 *     blobs/sha256/ab/ab01...  a blob; the path is also its locator
 *     blobs/sha512/...
 *     uploads/<id>             an upload's bytes
 *     uploads/.<id>            on its way to become a blob
 *
 * A blob's file never changes.  An upload becomes a blob as a second link
 * of its file, which is renamed to the blob's name, so that whoever reads
 * the blob sees one whole file or another.  A crash may leave both links;
 * before such an upload changes it gets a file of its own.
 *
 * A request's claim on an upload is a flock(2) on its file.  A new upload's
 * name is not synced until it is a blob: where a file system loses a new
 * name although the file was synced, a crash costs a session, not a blob.
 */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* sync_file_range */
#endif

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "apr_file_info.h"
#include "apr_strings.h"

#include "store/fs/fs_blobs.h"
#include "store/fs/fs_blob_id.h"
#include "store/store_dir.h"

#define VERSION     "mod_oci blob store"
#define OPEN_TRIES  5
#define COPY_BUFFER (128 * 1024)

/* A write ends where so many bytes of the file do: the kernel keeps memory for
 * its cache at hand in pieces of this size, and looks for larger ones. */
#define WRITE_STEP   (32 * 1024)
#define STEP_BUFFERS 16

/* What may be dirty before the disk is set to work (bytes). */
#define WRITEBACK_STEP (8 * 1024 * 1024)

typedef struct blob_store_t {
    oci_blob_store_t base;
    oci_store_dir_t fs;
} blob_store_t;

struct oci_blob_writer_t {
    const oci_store_dir_t *fs;
    apr_pool_t *pool;
    const char *path;      /* uploads/<id> */
    const char *temporary; /* uploads/.<id> */
    int fd;                /* carries the claim */
    int shared;            /* the file is a blob's, too */
    apr_off_t offset;      /* where the next byte goes */
    apr_off_t started;     /* up to here writing back has begun */
};

static const oci_store_dir_t *fs_of(const oci_blob_store_t *store)
{
    return &((const blob_store_t *)store)->fs;
}

static const char *create(oci_blob_store_t **store,
                          const oci_store_config_t *config, apr_pool_t *pool)
{
    blob_store_t *self = apr_pcalloc(pool, sizeof(*self));
    const char *error = oci_store_dir_locate(&self->fs, config, "blobs", pool);

    self->base.provider = &oci_blob_fs;
    self->base.where = self->fs.root;
    *store = &self->base;
    return error;
}

static const char *start(oci_blob_store_t *store, apr_uid_t uid, apr_gid_t gid,
                         apr_pool_t *pool)
{
    static const char *const folders[] = { "blobs", "uploads", NULL };
    oci_store_dir_t *fs = &((blob_store_t *)store)->fs;
    const char *error;

    (void)uid;
    (void)gid;
    error = oci_store_dir_start(fs, folders, VERSION, pool);
    if (!error) {
        oci_io_remove_temporaries(apr_pstrcat(pool, fs->root, "/uploads", NULL),
                                  ".", pool);
    }
    return error;
}

static apr_status_t close_writer(void *data)
{
    oci_blob_writer_t *writer = data;

    /* Closing would not do while a process forked meanwhile has it open. */
    flock(writer->fd, LOCK_UN);
    close(writer->fd);
    return APR_SUCCESS;
}

/* Open and lock the file that has the upload's name, or a new one. */
static apr_status_t claim(int *fd, const char *path)
{
    int tries;

    for (tries = 0; tries < OPEN_TRIES; tries++) {
        struct stat ours, there;
        apr_status_t rv;

        *fd = oci_io_open(path, O_RDWR | O_CREAT | O_NOFOLLOW);
        if (*fd == -1) {
            return errno;
        }
        if (flock(*fd, LOCK_EX | LOCK_NB) || fstat(*fd, &ours)) {
            rv = errno == EWOULDBLOCK ? APR_EBUSY : errno;
            close(*fd);
            return rv;
        }
        /* Its last holder may have removed it before we had the lock. */
        if (!stat(path, &there) && there.st_dev == ours.st_dev
            && there.st_ino == ours.st_ino) {
            return APR_SUCCESS;
        }
        close(*fd);
    }
    return APR_EBUSY;
}

static apr_status_t upload_open(oci_blob_writer_t **writer,
                                oci_blob_store_t *store, const char *id,
                                apr_pool_t *pool)
{
    oci_blob_writer_t *self = apr_pcalloc(pool, sizeof(*self));
    apr_status_t rv;

    self->fs = fs_of(store);
    self->pool = pool;
    self->path = apr_pstrcat(pool, self->fs->root, "/uploads/", id, NULL);
    self->temporary = apr_pstrcat(pool, self->fs->root, "/uploads/.", id, NULL);
    rv = claim(&self->fd, self->path);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    apr_pool_cleanup_register(pool, self, close_writer, apr_pool_cleanup_null);
    *writer = self;
    return APR_SUCCESS;
}

/* Copy the first size bytes into a new file, the temporary. */
static apr_status_t copy(int *fd, oci_blob_writer_t *writer, apr_off_t size)
{
    char *buffer = apr_palloc(writer->pool, COPY_BUFFER);
    apr_off_t offset = 0;
    apr_status_t rv = APR_SUCCESS;

    unlink(writer->temporary);
    *fd = oci_io_open(writer->temporary, O_RDWR | O_CREAT | O_EXCL);
    if (*fd == -1) {
        return errno;
    }
    while (rv == APR_SUCCESS && offset < size) {
        size_t wanted = size - offset < COPY_BUFFER ? size - offset
                                                    : COPY_BUFFER;
        ssize_t n = pread(writer->fd, buffer, wanted, offset);

        if (n > 0) {
            rv = oci_io_write(*fd, buffer, n);
            offset += n;
        }
        else if (n == 0 || errno != EINTR) {
            rv = n == 0 ? APR_EOF : errno;
        }
    }
    if (rv != APR_SUCCESS) {
        unlink(writer->temporary);
        close(*fd);
    }
    return rv;
}

/* Give the upload a file of its own: the one it has became a blob, and the
 * request that did it was cut short. */
static apr_status_t part_from_blob(oci_blob_writer_t *writer, apr_off_t size)
{
    apr_status_t rv;
    int fd;

    rv = copy(&fd, writer, size);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (flock(fd, LOCK_EX | LOCK_NB)
        || rename(writer->temporary, writer->path)) {
        rv = errno;
        unlink(writer->temporary);
        close(fd);
        return rv;
    }
    close(writer->fd);
    writer->fd = fd;
    writer->shared = 0;
    return APR_SUCCESS;
}

static apr_status_t upload_resume(oci_blob_writer_t *writer, apr_off_t size)
{
    struct stat st;
    apr_status_t rv;

    if (fstat(writer->fd, &st)) {
        return errno;
    }
    if (st.st_size < size) {
        return APR_EOF;
    }
    writer->shared = st.st_nlink > 1;
    if (st.st_size > size) {
        if (writer->shared && (rv = part_from_blob(writer, size))) {
            return rv;
        }
        if (ftruncate(writer->fd, size)) {
            return errno;
        }
    }
    if (lseek(writer->fd, size, SEEK_SET) == -1) {
        return errno;
    }
    writer->offset = writer->started = size;
    return APR_SUCCESS;
}

/* Let the disk work while more bytes come in: the sync at the end is then
 * short.  A hint only; its failure shows again in that sync. */
static void write_back(oci_blob_writer_t *writer)
{
#ifdef SYNC_FILE_RANGE_WRITE
    if (writer->offset - writer->started >= WRITEBACK_STEP) {
        sync_file_range(writer->fd, writer->started,
                        writer->offset - writer->started,
                        SYNC_FILE_RANGE_WRITE);
        writer->started = writer->offset;
    }
#else
    (void)writer;
#endif
}

/* The first buffers of vec, from a byte of the first on, up to the next
 * multiple of WRITE_STEP in the file. */
static int take_step(struct iovec *step, const struct iovec *vec, int n,
                     apr_size_t used, apr_off_t offset)
{
    apr_size_t room = WRITE_STEP - (apr_size_t)(offset % WRITE_STEP);
    int count;

    for (count = 0; count < n && count < STEP_BUFFERS && room; count++) {
        apr_size_t length = vec[count].iov_len - used;

        step[count].iov_base = (char *)vec[count].iov_base + used;
        step[count].iov_len = length < room ? length : room;
        room -= step[count].iov_len;
        used = 0;
    }
    return count;
}

static apr_status_t upload_write(oci_blob_writer_t *writer,
                                 const struct iovec *vec, int n)
{
    apr_size_t used = 0; /* bytes of the first buffer */
    apr_status_t rv;

    if (writer->shared && (rv = part_from_blob(writer, writer->offset))) {
        return rv;
    }
    while (n > 0) {
        struct iovec step[STEP_BUFFERS];
        int count = take_step(step, vec, n, used, writer->offset);
        ssize_t written = writev(writer->fd, step, count);

        if (written < 0 && errno != EINTR) {
            return errno;
        }
        if (written > 0) {
            writer->offset += written;
            used += written;
        }
        while (n > 0 && used >= vec->iov_len) {
            used -= vec->iov_len;
            vec++;
            n--;
        }
    }
    write_back(writer);
    return APR_SUCCESS;
}

static apr_status_t upload_read(oci_blob_writer_t *writer, apr_off_t offset,
                                char *buffer, apr_size_t *length)
{
    ssize_t n;

    do {
        n = pread(writer->fd, buffer, *length, offset);
    } while (n == -1 && errno == EINTR);
    *length = n > 0 ? n : 0;
    return n < 0 ? errno : APR_SUCCESS;
}

static apr_status_t upload_close(oci_blob_writer_t *writer, int durable)
{
    return oci_io_flush(writer->fd, durable);
}

/* Give the upload's bytes a second name, the temporary. */
static apr_status_t alias(oci_blob_writer_t *writer, int durable)
{
    struct stat st;
    apr_status_t rv;
    int fd;

    if (!link(writer->path, writer->temporary)) {
        return APR_SUCCESS;
    }
    if (errno == EEXIST) {
        unlink(writer->temporary);
        if (!link(writer->path, writer->temporary)) {
            return APR_SUCCESS;
        }
    }
    if (!oci_io_no_links(errno)) {
        return errno;
    }
    if (fstat(writer->fd, &st)) {
        return errno;
    }
    rv = copy(&fd, writer, st.st_size);
    if (rv == APR_SUCCESS) {
        rv = oci_io_flush(fd, durable);
        if (rv != APR_SUCCESS) {
            unlink(writer->temporary);
        }
        close(fd);
    }
    return rv;
}

static apr_status_t upload_commit(const char **locator,
                                  oci_blob_writer_t *writer, const char *digest,
                                  int durable, apr_pool_t *pool)
{
    const oci_store_dir_t *fs = writer->fs;
    const char *colon = strchr(digest, ':');
    const char *name = apr_psprintf(pool, "blobs/%.*s/%.2s/%s",
                                    (int)(colon - digest), digest, colon + 1,
                                    colon + 1);
    const char *path = apr_pstrcat(pool, fs->root, "/", name, NULL);
    apr_array_header_t *touched = apr_array_make(pool, 4, sizeof(char *));
    apr_status_t rv;

    if ((rv = alias(writer, durable))) {
        return rv;
    }
    if (rename(writer->temporary, path)) {
        rv = errno;
        if (rv == ENOENT) {
            rv = oci_store_dir_make_parents(fs, path, touched, pool);
        }
        else if (rv == EISDIR && !rmdir(path)) {
            rv = APR_SUCCESS; /* somebody's empty folder */
        }
        if (!rv && rename(writer->temporary, path)) {
            rv = errno;
        }
    }
    if (rv || writer->shared) {
        /* Renaming did nothing where both were links of one file. */
        unlink(writer->temporary);
    }
    if (rv) {
        return rv;
    }
    writer->shared = 1;
    *locator = name;
    oci_store_dir_touch(touched, path, pool);
    return durable ? oci_store_dir_sync(fs, touched, pool) : APR_SUCCESS;
}

static apr_status_t upload_abort(oci_blob_writer_t *writer)
{
    return unlink(writer->path) && errno != ENOENT ? errno : APR_SUCCESS;
}

static const char *path_of(const oci_store_dir_t *fs, const char *locator,
                           apr_pool_t *pool)
{
    return apr_pstrcat(pool, fs->root, "/", locator, NULL);
}

/* Why a blob's file cannot be used.  One that cannot be read is as good as
 * absent if a push can replace it. */
static apr_status_t absent(const oci_store_dir_t *fs, const char *path,
                           apr_status_t rv, apr_pool_t *pool)
{
    if (rv == EACCES
        && !faccessat(AT_FDCWD, oci_io_parent(path, pool), W_OK | X_OK,
                      AT_EACCESS)) {
        return APR_NOTFOUND;
    }
    return oci_store_dir_absent(fs, rv);
}

static apr_status_t blob_open(oci_blob_source_t *source,
                              oci_blob_store_t *store, const char *locator,
                              apr_int32_t flags, apr_pool_t *pool)
{
    const oci_store_dir_t *fs = fs_of(store);
    apr_finfo_t finfo;
    const char *path = path_of(fs, locator, pool);
    apr_file_t *file;
    apr_status_t rv;

    rv = apr_file_open(&file, path, APR_FOPEN_READ | APR_FOPEN_BINARY | flags,
                       0, pool);
    if (rv != APR_SUCCESS) {
        return absent(fs, path, rv, pool);
    }
    rv = apr_file_info_get(&finfo, APR_FINFO_SIZE | APR_FINFO_TYPE, file);
    if (rv != APR_SUCCESS || finfo.filetype != APR_REG) {
        apr_file_close(file);
        return rv != APR_SUCCESS ? rv : APR_NOTFOUND;
    }
    source->file = file;
    source->size = finfo.size;
    source->url = NULL;
    return APR_SUCCESS;
}

static apr_status_t blob_size(apr_off_t *size, oci_blob_store_t *store,
                              const char *locator, apr_pool_t *pool)
{
    const oci_store_dir_t *fs = fs_of(store);
    const char *path = path_of(fs, locator, pool);
    apr_finfo_t finfo;
    apr_status_t rv = apr_stat(&finfo, path, APR_FINFO_SIZE | APR_FINFO_TYPE,
                               pool);

    if (rv == APR_SUCCESS && faccessat(AT_FDCWD, path, R_OK, AT_EACCESS)) {
        rv = errno;
    }
    if (rv != APR_SUCCESS) {
        return absent(fs, path, rv, pool);
    }
    *size = finfo.size;
    return finfo.filetype == APR_REG ? APR_SUCCESS : APR_NOTFOUND;
}

static apr_status_t blob_delete(oci_blob_store_t *store, const char *locator,
                                apr_pool_t *pool)
{
    const oci_store_dir_t *fs = fs_of(store);

    return unlink(path_of(fs, locator, pool)) ? oci_store_dir_absent(fs, errno)
                                              : APR_SUCCESS;
}

static apr_status_t identity(const char **id, oci_blob_store_t *store, int make,
                             apr_pool_t *pool)
{
    return oci_fs_blob_id(id, fs_of(store), make, pool);
}

const oci_blob_store_provider_t oci_blob_fs = {
    create,      start,        upload_open,   upload_resume, upload_write,
    upload_read, upload_close, upload_commit, upload_abort,  blob_open,
    blob_size,   blob_delete,  identity,
};
