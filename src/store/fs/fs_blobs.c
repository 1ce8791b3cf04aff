/* SPDX-License-Identifier: Apache-2.0 */

/* The blob store "fs".  Below DIR, its location:
 *
 *     blobs/.version           "mod_oci blob store 1" LF
 *     blobs/.id                the store's id, see fs_blob_id.c
 *     blobs/.index             the id of its index
 *     blobs/sha256/ab/ab01...  a blob (or sha512); the path is its locator
 *     uploads/<id>             the bytes of an upload
 *     uploads/.<id>            temporary, while the upload becomes a blob
 *     uploads/.adopt_<number>  temporary, see fs_blob_adopt.c
 *
 * The file of a blob never changes.  To turn an upload into a blob, its file
 * gets a second link, which is renamed to the blob's name.  So a reader of the
 * blob sees one complete file or another.  A crash may leave both links; before
 * such an upload changes, it gets a separate file.
 *
 * A request claims an upload by a flock(2) on its file.  The name of a new
 * upload is not synced until it becomes a blob: if a file system loses a new
 * name although the file was synced, a crash costs an upload session, not a
 * blob. */

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
#include "store/fs/fs_blob_delete.h"
#include "store/fs/fs_blob_id.h"
#include "store/fs/fs_blob_list.h"
#include "store/fs/fs_blob_read.h"
#include "store/store_dir.h"

static const oci_store_form_t form = { "mod_oci blob store", 1 };

static const char *const directories[] = { "blobs", "uploads", NULL };

#define OPEN_TRIES 5

/* A write ends at a multiple of this size in the file.  The kernel keeps
 * cache memory available in pieces of this size, and has to search for
 * larger ones. */
#define WRITE_STEP   (32 * 1024)
#define STEP_BUFFERS 16
/* The bytes that may be dirty before writeback is started. */
#define WRITEBACK_STEP (8 * 1024 * 1024)

typedef struct blob_store_t {
    oci_blob_store_t base;
    oci_store_dir_t fs;
} blob_store_t;

struct oci_blob_writer_t {
    const oci_store_dir_t *fs;
    apr_pool_t *pool;
    const char *path;       /* uploads/<id> */
    const char *temporary;  /* uploads/.<id> */
    int fd;                 /* holds the claim */
    int shared;             /* the file is also a blob's */
    apr_off_t offset;       /* the offset of the next byte */
    apr_off_t written_back; /* writeback was started up to this offset */
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

static const char *check(oci_blob_store_t *store, apr_pool_t *pool)
{
    return oci_store_dir_check(fs_of(store), directories, &form, pool);
}

static const char *start(oci_blob_store_t *store, apr_uid_t uid, apr_gid_t gid,
                         apr_pool_t *pool)
{
    oci_store_dir_t *fs = &((blob_store_t *)store)->fs;
    const char *error = oci_store_dir_start(fs, directories, &form, pool);

    (void)uid;
    (void)gid;
    if (!error) {
        oci_io_remove_temporaries(apr_pstrcat(pool, fs->root, "/uploads", NULL),
                                  ".", pool);
    }
    return error;
}

static apr_status_t close_writer(void *data)
{
    oci_blob_writer_t *writer = data;

    /* Closing alone would not release the claim while a child that was forked
     * meanwhile has the file open. */
    flock(writer->fd, LOCK_UN);
    close(writer->fd);
    return APR_SUCCESS;
}

/* Open and lock the file with the upload's name, or a new one. */
static apr_status_t claim_file(int *fd, const char *path)
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
        /* Its last holder may have removed the file before we locked it. */
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
    rv = claim_file(&self->fd, self->path);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    apr_pool_cleanup_register(pool, self, close_writer, apr_pool_cleanup_null);
    *writer = self;
    return APR_SUCCESS;
}

/* Copy the first size bytes to a new file, the temporary. */
static apr_status_t copy_to_temporary(int *fd, oci_blob_writer_t *writer,
                                      apr_off_t size)
{
    apr_status_t rv;

    unlink(writer->temporary);
    *fd = oci_io_open(writer->temporary, O_RDWR | O_CREAT | O_EXCL);
    if (*fd == -1) {
        return errno;
    }
    rv = oci_io_copy(*fd, writer->fd, size, writer->pool);
    if (rv != APR_SUCCESS) {
        unlink(writer->temporary);
        close(*fd);
    }
    return rv;
}

/* Give the upload a separate file: its file became a blob, in a request that
 * was interrupted after that. */
static apr_status_t unshare_file(oci_blob_writer_t *writer, apr_off_t size)
{
    apr_status_t rv;
    int fd;

    rv = copy_to_temporary(&fd, writer, size);
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

static apr_status_t upload_resume(oci_blob_writer_t *writer, apr_off_t size,
                                  const char *state)
{
    struct stat st;
    apr_status_t rv;

    (void)state;
    if (fstat(writer->fd, &st)) {
        return errno;
    }
    if (st.st_size < size) {
        return APR_EOF;
    }
    writer->shared = st.st_nlink > 1;
    if (st.st_size > size) {
        if (writer->shared) {
            rv = unshare_file(writer, size);
            if (rv != APR_SUCCESS) {
                return rv;
            }
        }
        if (ftruncate(writer->fd, size)) {
            return errno;
        }
    }
    if (lseek(writer->fd, size, SEEK_SET) == -1) {
        return errno;
    }
    writer->offset = writer->written_back = size;
    return APR_SUCCESS;
}

/* Start writeback while more bytes arrive, so that the sync at the end is
 * short.  It is only a hint: a failure shows again in that sync. */
static void write_back(oci_blob_writer_t *writer)
{
#ifdef SYNC_FILE_RANGE_WRITE
    if (writer->offset - writer->written_back >= WRITEBACK_STEP) {
        sync_file_range(writer->fd, writer->written_back,
                        writer->offset - writer->written_back,
                        SYNC_FILE_RANGE_WRITE);
        writer->written_back = writer->offset;
    }
#else
    (void)writer;
#endif
}

/* Select the buffers for one write: the first ones of vec, without used bytes
 * of the first, up to the next multiple of WRITE_STEP in the file. */
static int next_step(struct iovec *step, const struct iovec *vec, int n,
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
    apr_size_t used = 0; /* of the first buffer, bytes */
    apr_status_t rv;

    if (writer->shared) {
        rv = unshare_file(writer, writer->offset);
        if (rv != APR_SUCCESS) {
            return rv;
        }
    }
    while (n > 0) {
        struct iovec step[STEP_BUFFERS];
        int count = next_step(step, vec, n, used, writer->offset);
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

static apr_status_t upload_close(const char **state, oci_blob_writer_t *writer,
                                 int durable, apr_pool_t *pool)
{
    (void)pool;
    *state = NULL;
    return oci_io_flush(writer->fd, durable);
}

/* Give the upload's bytes a second name, the temporary: a link, or a copy. */
static apr_status_t link_temporary(oci_blob_writer_t *writer, int durable)
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
    if (!oci_io_no_links(errno) || fstat(writer->fd, &st)) {
        return errno;
    }
    rv = copy_to_temporary(&fd, writer, st.st_size);
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
    const char *name = oci_fs_locator(digest, pool);
    const char *path = apr_pstrcat(pool, fs->root, "/", name, NULL);
    apr_array_header_t *touched = apr_array_make(pool, 4, sizeof(char *));
    apr_status_t rv;

    rv = link_temporary(writer, durable);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (rename(writer->temporary, path)) {
        rv = errno;
        if (rv == ENOENT) {
            rv = oci_store_dir_make_parents(fs, path, touched, pool);
        }
        else if (rv == EISDIR && !rmdir(path)) {
            rv = APR_SUCCESS; /* an empty directory was in its place */
        }
        if (rv == APR_SUCCESS && rename(writer->temporary, path)) {
            rv = errno;
        }
    }
    if (rv != APR_SUCCESS || writer->shared) {
        /* rename(2) does nothing if both names are links of one file. */
        unlink(writer->temporary);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    writer->shared = 1;
    *locator = name;
    oci_store_dir_note(fs, touched, path, 1, pool);
    return durable ? oci_store_dir_sync(fs, touched, pool) : APR_SUCCESS;
}

static apr_status_t upload_abort(oci_blob_writer_t *writer)
{
    /* First what a killed process may have left: the claim ends when the other
     * name is removed. */
    apr_status_t rv = unlink(writer->temporary) && errno != ENOENT
        ? errno
        : APR_SUCCESS;

    return unlink(writer->path) && errno != ENOENT ? errno : rv;
}

static apr_status_t blob_open(oci_blob_source_t *source,
                              oci_blob_store_t *store, const char *locator,
                              apr_int32_t flags, apr_pool_t *pool)
{
    apr_int32_t more = flags & OCI_OPEN_SENDFILE ? APR_FOPEN_SENDFILE_ENABLED
                                                 : 0;

    return oci_fs_blob_open(source, fs_of(store), locator, more, pool);
}

static apr_status_t blob_size(apr_off_t *size, oci_blob_store_t *store,
                              const char *locator, apr_pool_t *pool)
{
    return oci_fs_blob_size(size, fs_of(store), locator, pool);
}

static apr_status_t blob_delete(oci_blob_store_t *store, const char *locator,
                                const oci_confirm_t *confirm, apr_pool_t *pool)
{
    const oci_store_dir_t *fs = fs_of(store);
    const char *path = oci_fs_blob_path(fs, locator, pool);

    return path ? oci_fs_blob_delete(fs, path, confirm, pool) : APR_NOTFOUND;
}

static apr_status_t identity(const char **id, oci_blob_store_t *store, int make,
                             apr_pool_t *pool)
{
    return oci_fs_blob_id(id, fs_of(store), make, pool);
}

static apr_status_t owner(const char **id, oci_blob_store_t *store,
                          const char *old, const char *id_new, apr_pool_t *pool)
{
    return oci_fs_blob_owner(id, fs_of(store), old, id_new, pool);
}

static apr_status_t list(apr_array_header_t **entries, oci_blob_store_t *store,
                         oci_stored_e kind, const char *after, int limit,
                         apr_pool_t *pool)
{
    oci_fs_blob_range_t range = { kind, after, limit };

    return oci_fs_blob_list(entries, fs_of(store), &range, pool);
}

const oci_store_dir_t *oci_fs_blobs_dir(const oci_blob_store_t *store)
{
    return store->provider == &oci_blob_fs ? fs_of(store) : NULL;
}

const oci_blob_store_provider_t oci_blob_fs = {
    create,
    start,
    upload_open,
    upload_resume,
    upload_write,
    upload_read,
    upload_close,
    upload_commit,
    upload_abort,
    blob_open,
    blob_size,
    blob_delete,
    identity,
    check,
    list,
    owner,
    NULL,
    NULL,
    0,
};
